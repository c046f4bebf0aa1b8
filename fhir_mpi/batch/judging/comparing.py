"""What would change if one model replaced another: both judge the same candidates of the same index."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from fhir_mpi.batch.judging.judging import everything, grade_of, matches_of
from fhir_mpi.batch.labels import Pair, ordered
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.matching import Match, Matcher
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.storage.port import Store

Transition = tuple[MatchGrade, MatchGrade]
SAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Change:
    """A pair of records, and what each model says of it."""

    one: str
    other: str
    before: Match
    after: Match


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many pairs went from which grade to which, and some of those that changed."""

    probes: int
    pairs: int
    transitions: Mapping[Transition, int]
    samples: Mapping[Transition, Sequence[Change]]

    @property
    def changed(self) -> int:
        return sum(n for (before, after), n in self.transitions.items() if before is not after)


async def sampled(store: Store, type: str, size: int, seed: int) -> AsyncIterator[Resource]:
    """So many resources of the store, drawn evenly (reservoir sampling); all where it has no more."""
    rng, chosen, seen = Random(seed), list[str](), 0  # noqa: S311 - a sample, nothing secret
    async for stored in store.scan(type):
        if is_managed(stored.resource):
            continue  # sources are compared with sources
        seen += 1
        if len(chosen) < size:
            chosen.append(stored.id)
        elif (place := rng.randrange(seen)) < size:
            chosen[place] = stored.id
    for start in range(0, len(chosen), 500):
        for stored in await store.read_many(type, chosen[start : start + 500]):
            yield stored.resource


async def compared(
    before: Matcher, after: Matcher, probes: AsyncIterator[Resource], on_progress: Callable[[int], None]
) -> Comparison:
    """Each probe is matched by both; a pair that is certainly not one person by either isn't counted.

    A pair that is found from both of its sides counts once.
    """
    matchers = everything(before), everything(after)
    transitions: Counter[Transition] = Counter()
    samples: dict[Transition, list[Change]] = defaultdict(list)
    known: set[Pair] = set()
    done = 0
    async for resource in probes:
        id = str(resource["id"])
        first, second = [{m.id: m for m in await matches_of(each, resource)} for each in matchers]
        for other in sorted(first.keys() & second.keys() - {id}):
            if ordered(id, other) in known:
                continue
            change = Change(id, other, first[other], second[other])
            transition = _transition(change, before, after)
            if transition != (MatchGrade.CERTAINLY_NOT, MatchGrade.CERTAINLY_NOT):
                known.add(ordered(id, other))
                transitions[transition] += 1
                if transition[0] is not transition[1] and len(samples[transition]) < SAMPLES:
                    samples[transition].append(change)
        done += 1
        on_progress(done)
    return Comparison(done, len(known), transitions, samples)


def comparison_json(found: Comparison, before: str, after: str) -> Json:
    """The comparison as JSON, best grades first."""
    return {
        "before": before,
        "after": after,
        "probes": found.probes,
        "pairs": found.pairs,
        "changed": found.changed,
        "transitions": [
            {
                "before": str(was),
                "after": str(now),
                "pairs": found.transitions[was, now],
                "samples": [_sample(change) for change in found.samples.get((was, now), ())],
            }
            for was, now in ranked(found)
        ],
    }


def ranked(found: Comparison) -> Sequence[Transition]:
    """The transitions that occurred, best grades first."""
    return sorted(found.transitions, key=lambda transition: (transition[0].rank, transition[1].rank))


def _transition(change: Change, before: Matcher, after: Matcher) -> Transition:
    was = grade_of(change.before, before.model.thresholds.possible)
    return was, grade_of(change.after, after.model.thresholds.possible)


def _sample(change: Change) -> Json:
    return {
        "one": change.one,
        "other": change.other,
        "weights": [round(change.before.weight, 4), round(change.after.weight, 4)],
        "outcomes": [
            [{"comparison": o.comparison, "level": o.level, "weight": round(o.weight, 4)} for o in m.outcomes]
            for m in (change.before, change.after)
        ],
    }
