"""What the server says of labelled pairs: each probe is matched as `$match` would, against the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from fhir_mpi.batch.labels import Labels, Pair, ordered
from fhir_mpi.fhir.outcome import MissingParameter
from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.engine import ComparisonOutcome
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.matching import Match, Matcher
from fhir_mpi.storage.port import Store

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of a labelled pair. One that blocking never brought together was `compared` never."""

    one: str
    other: str
    same: bool
    grade: MatchGrade
    weight: float
    probability: float
    compared: bool
    outcomes: tuple[ComparisonOutcome, ...] = ()
    guards: tuple[str, ...] = ()


async def stored_probes(store: Store, type: str, labels: Labels) -> Mapping[str, Resource]:
    """The labelled records that are in the store, by id."""
    ids, found = sorted(labels.ids), dict[str, Resource]()
    for start in range(0, len(ids), AT_ONCE):
        for stored in await store.read_many(type, ids[start : start + AT_ONCE]):
            found[stored.id] = stored.resource
    return found


async def verdicts(
    matcher: Matcher, probes: Mapping[str, Resource], labels: Labels, on_progress: Callable[[int], None]
) -> Sequence[Verdict]:
    """One for each labelled pair of which a probe is one side; what no key brought together is a miss."""
    every, possible = everything(matcher), matcher.model.thresholds.possible
    found: dict[Pair, Verdict] = {}
    for done, (id, resource) in enumerate(probes.items(), start=1):
        for match in await matches_of(every, resource):
            same = None if match.id == id else labels.same(id, match.id)
            if same is not None:
                verdict = _verdict(id, match, same, possible)
                pair = ordered(id, match.id)
                if pair not in found or found[pair].weight < verdict.weight:
                    found[pair] = verdict
        on_progress(done)
    for (one, other), same in labels.pairs.items():
        if (one, other) not in found and (one in probes or other in probes):
            found[one, other] = Verdict(one, other, same, MatchGrade.CERTAINLY_NOT, -inf, 0.0, compared=False)
    return list(found.values())


def everything(matcher: Matcher) -> Matcher:
    """The same matcher with every candidate in the answer, those below "possible" too."""
    thresholds = replace(matcher.model.thresholds, possible=0.0)
    model = replace(matcher.model, thresholds=thresholds)
    return replace(matcher, model=model, serving=matcher.blocking)


async def matches_of(matcher: Matcher, resource: Resource) -> Sequence[Match]:
    """The matches of a resource, none for one that holds too little to be looked for."""
    try:
        return (await matcher.matches(resource)).matches
    except MissingParameter:
        return ()


def grade_of(match: Match, possible: float) -> MatchGrade:
    """The grade that an answer of `everything` would have had with its own threshold."""
    return match.grade if match.probability >= possible else MatchGrade.CERTAINLY_NOT


def _verdict(id: str, match: Match, same: bool, possible: float) -> Verdict:
    return Verdict(
        one=id,
        other=match.id,
        same=same,
        grade=grade_of(match, possible),
        weight=match.weight,
        probability=match.probability,
        compared=True,
        outcomes=match.outcomes,
        guards=match.guards,
    )
