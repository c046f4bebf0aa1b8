"""What happens to probes: whether their own record is found, and who else is taken for them."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from random import Random

from fhir_mpi.demo.name_shares import NameShares
from fhir_mpi.demo.person import Person
from fhir_mpi.demo.relatives import junior, namesake, sibling, twin
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.matching import Match, Matcher, Matching

CONFUSED: dict[str, Callable[[Person, Random, NameShares], Person]] = {
    "twin": twin,
    "sibling": sibling,
    "junior or senior": junior,
    "namesake": namesake,
}


def completed(waiting: Coroutine[None, None, Matching]) -> Matching:
    """The result of a coroutine over an index in memory: nothing waits, so it ends at its first step."""
    try:
        waiting.send(None)
    except StopIteration as finished:
        result: Matching = finished.value
        return result
    raise AssertionError("the in-memory index waited")


def ranking(matcher: Matcher) -> Matcher:
    """The same matcher with every candidate in the answer, so that ranks can be seen below "possible"."""
    thresholds = replace(matcher.model.thresholds, possible=0.0)
    return replace(matcher, model=replace(matcher.model, thresholds=thresholds))


@dataclass
class Tally:
    """Shares of the probes, by what happened to them; of unwelcome things so many examples are kept."""

    misses: int = 0
    examples: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)
    microseconds: list[float] = field(default_factory=list)
    candidates: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    happened: dict[str, list[bool]] = field(default_factory=dict)

    def probe(self, person: Person, copy: Person, ranked: Matching, asked: set[str]) -> None:
        """What came of a corrupted copy; `ranked` holds every candidate."""
        self.candidates.append(len(asked))
        self.keys.append(ranked.keys)
        own = [m for m in ranked.matches if m.id == person.id]
        answered = [m for m in own if m.probability >= 0.5]
        good = bool(own) and own[0].grade in (MatchGrade.CERTAIN, MatchGrade.PROBABLE)
        first = bool(own) and ranked.matches[0].id == person.id
        wrong = [m for m in ranked.matches if m.id != person.id]
        self._add("true record among the candidates", person.id in asked, True, person, copy, own)
        self._add("true record first", first, True, person, copy, ranked.matches[:2])
        self._add("true record possible or better", bool(answered))
        self._add("true record certain or probable", good, True, person, copy, own)
        self._add("true record certain", bool(own) and own[0].grade is MatchGrade.CERTAIN)
        self._add("a wrong person certain", _any(wrong, "certain"), False, person, copy, wrong[:1])
        self._add("a wrong person probable", _any(wrong, "probable"))

    def confused(self, kind: str, ranked: Matching) -> None:
        """What came of somebody who is not in the index."""
        best = [m for m in ranked.matches[:1] if m.probability >= 0.5]
        for grade in ("certain", "probable", "possible"):
            self._add(f"{kind} taken for {grade}", _any(best, grade))

    def _add(self, what: str, happened: bool, expected: bool | None = None, *working: object) -> None:
        self.happened.setdefault(what, []).append(happened)
        examples = self.examples.setdefault(what, [])
        if expected is not None and happened is not expected and len(examples) < self.misses:
            examples.append(working)

    def share(self, what: str) -> float:
        """How often that happened, 0 to 1."""
        return sum(self.happened[what]) / len(self.happened[what])


def _any(matches: Iterable[Match], grade: str) -> bool:
    return any(m.grade == grade for m in matches)
