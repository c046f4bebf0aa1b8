"""What becomes of a source record: HAPI's four cases, its rules for EIDs, what a person decided before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.link import MatchResult

NEW: Final = ""
"""Stands for the golden record that is to be made."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Another source record: how it compared, and the golden record it is matched to, if to any."""

    source: str
    golden: str | None
    result: MatchResult
    score: float
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """All that is known of a source record when it is to be linked.

    `current` is the golden record that it is matched to, `alone` whether that has no other source.
    `manual` says that a person matched it, `refused` are golden records that it is not by a person's word.
    `by_eid` are golden records that have an EID of it, `contradicted` those whose EIDs can't be of the same.
    `matchable` is False where nothing in it can be compared.
    """

    current: str | None = None
    alone: bool = False
    manual: bool = False
    excluded: bool = False
    blocked: bool = False
    matchable: bool = True
    refused: frozenset[str] = frozenset()
    by_eid: tuple[str, ...] = ()
    contradicted: frozenset[str] = frozenset()
    compared: tuple[Compared, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A golden record, and the best comparison that speaks for it: None where an EID does."""

    golden: str
    best: Compared | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a source record is to be linked to; its other automatic links go, unless it `keeps` all.

    `match` may be NEW. The second of each pair of `duplicates` may be a duplicate of the first.
    """

    match: Proposal | None = None
    reviews: tuple[Proposal, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    eid_match: bool = False
    keeps: bool = False


Best: TypeAlias = Mapping[str, Compared]
"""Of each golden record the comparison that speaks most for it, the best golden record first."""
KEEP: Final = Decision(keeps=True)
RELEASE: Final = Decision()


def result_of(grade: MatchGrade) -> MatchResult:
    """What a grade means for a link; only a certain match is made without a person.

    >>> [str(result_of(grade)) for grade in MatchGrade]
    ['MATCH', 'POSSIBLE_MATCH', 'POSSIBLE_MATCH', 'NO_MATCH']
    """
    if grade is MatchGrade.CERTAIN:
        return MatchResult.MATCH
    return MatchResult.NO_MATCH if grade is MatchGrade.CERTAINLY_NOT else MatchResult.POSSIBLE_MATCH


def decide(found: Found) -> Decision:
    """Manual beats automatic, an EID beats the comparison, and what was refused is not proposed again."""
    if found.manual:
        return KEEP
    if found.excluded:
        return RELEASE
    known = tuple(golden for golden in found.by_eid if golden not in found.refused)
    if known:
        return _by_eid(found, known)
    if not found.matchable:
        return KEEP
    if found.blocked:
        return Decision(_own(found))
    return _by_comparison(found)


def _by_eid(found: Found, goldens: Sequence[str]) -> Decision:
    if len(goldens) == 1:
        (golden,) = goldens
        leaves = found.current not in (None, golden) and not found.alone
        duplicates = ((golden, str(found.current)),) if leaves else ()
        return Decision(Proposal(golden), duplicates=duplicates, eid_match=True)
    return _ambiguous(found, dict.fromkeys(goldens), eid_match=True)


def _by_comparison(found: Found) -> Decision:
    usable = [one for one in found.compared if one.golden not in {None, *found.refused}]
    sure = _best(one for one in usable if one.result is MatchResult.MATCH)
    clear = {golden: best for golden, best in sure.items() if golden not in found.contradicted}
    if len(clear) == 1:
        ((golden, best),) = clear.items()
        return Decision(Proposal(golden, best))
    if clear:
        return _ambiguous(found, clear)
    if sure:
        own = _own(found)
        return Decision(own, duplicates=tuple((own.golden, golden) for golden in sure))
    maybe = _best(one for one in usable if one.golden not in found.contradicted)
    if not maybe:
        return Decision(_own(found))
    if found.current is not None and found.alone:
        # what is asked is whether its golden record and theirs are the same
        return Decision(_own(found), duplicates=tuple((found.current, golden) for golden in maybe))
    return Decision(reviews=tuple(Proposal(golden, best) for golden, best in maybe.items()))


def _ambiguous(found: Found, goldens: Mapping[str, Compared | None], *, eid_match: bool = False) -> Decision:
    """Case 3: it stays where it is if that is among them, otherwise a person says which one it is."""
    stays = found.current is not None and found.current in goldens
    first = str(found.current) if stays else next(iter(goldens))
    duplicates = tuple((first, golden) for golden in goldens if golden != first)
    if stays:
        return Decision(Proposal(first, goldens[first]), duplicates=duplicates, eid_match=eid_match)
    reviews = tuple(Proposal(golden, best) for golden, best in goldens.items())
    return Decision(reviews=reviews, duplicates=duplicates, eid_match=eid_match)


def _own(found: Found) -> Proposal:
    """The golden record that is this source's alone, or a new one."""
    return Proposal(found.current if found.current is not None and found.alone else NEW)


def _best(compared: Iterable[Compared]) -> Best:
    ranked = sorted(compared, key=lambda one: (-one.score, str(one.golden), one.source))
    found: dict[str, Compared] = {}
    for one in ranked:
        found.setdefault(str(one.golden), one)
    return found
