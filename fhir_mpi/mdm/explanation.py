"""Why two records match, or don't: everything that decided, for a pair that need not have found itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_mpi.fhir.types import Resource
from fhir_mpi.linkage.blocking import SharedKey, shared_keys
from fhir_mpi.linkage.model import Cap, LinkageModel
from fhir_mpi.linkage.record import Record, Values
from fhir_mpi.mdm.matching import Match, Matcher


@dataclass(frozen=True, slots=True)
class ComparedFeature:
    """The normalised values of both sides, as a comparison sees them."""

    name: str
    ours: Values
    theirs: Values

    @property
    def common(self) -> frozenset[str]:
        return frozenset(self.ours) & frozenset(self.theirs)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a pair was judged.

    `keys` are what both have in common, `skipped` those of them that too many records share: `$match`
    finds the pair by any other. `caps` are the guards that lowered the grade.
    """

    match: Match
    model: LinkageModel
    engine: str
    population: int
    features: Sequence[ComparedFeature]
    keys: Sequence[SharedKey]
    skipped: frozenset[int]
    caps: Sequence[Cap]

    @property
    def found(self) -> bool:
        """Whether `$match` with the one would find the other at all."""
        return any(shared.key not in self.skipped for shared in self.keys)


async def explanation(matcher: Matcher, resource: Resource, other: Resource) -> Explanation:
    """What this matcher says of the pair, the first being the one that is asked about."""
    model, type, stored = matcher.model, matcher.model.resource_type, await matcher.blocking()
    record, candidate = stored.record(resource), stored.record(other)
    population = await matcher.candidates.population(type)
    [score] = matcher.engine.score(record, [candidate], population=population)
    match = matcher.graded(record, candidate, score)
    keys = shared_keys(stored, record, candidate)
    looked_up = await matcher.candidates.candidates(type, [shared.key for shared in keys], cap=stored.cap)
    return Explanation(
        match=match,
        model=model,
        engine=matcher.engine.name,
        population=population,
        features=tuple(_features(record, candidate)),
        keys=keys,
        skipped=looked_up.skipped,
        caps=tuple(c for c in model.caps if c.guard in match.guards),
    )


def _features(record: Record, candidate: Record) -> Sequence[ComparedFeature]:
    """Those that one side has; the columns of a rules file are told by its match fields."""
    pairs = zip(Record._fields[1:], record[1:], candidate[1:], strict=True)
    return [
        ComparedFeature(name, tuple(a), tuple(b)) for name, a, b in pairs if (a or b) and name != "columns"
    ]
