"""Fellegi-Sunter: the weight of a level is log2(m/u) bits; weights add up.

Source: Fellegi and Sunter 1969 (JASA 64:1183); term frequencies as Splink applies them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import log2
from operator import attrgetter
from typing import Final, TypeAlias

from fhir_mpi.linkage.comparators import COMPARATORS
from fhir_mpi.linkage.engine import ComparisonOutcome, MatchScore
from fhir_mpi.linkage.household import household_weight
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record, Test, Values
from fhir_mpi.linkage.weights import PROBABILITY_FLOOR, Comparison, Level, TermFrequencies

Compare: TypeAlias = Callable[[Record, Record], ComparisonOutcome]
_Scale: TypeAlias = Callable[[Values, Values], ComparisonOutcome] | None

_BY_WEIGHT: Final = attrgetter("weight")
_MOST_BITS: Final = 996.0
"""Odds are kept within 1e-300 and 1e300."""


class FellegiSunter:
    """Scores pairs one by one: blocking leaves a handful of candidates, too few for arrays to pay.

    >>> from fhir_mpi.linkage.model import default_model
    >>> engine = FellegiSunter(default_model("Patient"))
    >>> jane = Record("1", family=("doe",), given=("jane",), birth_date=("1980-01-02",))
    >>> [score] = engine.score(jane, [jane], population=1_000_000)
    >>> score.weight == sum(outcome.weight for outcome in score.outcomes)
    True
    >>> [(o.comparison, o.level) for o in score.outcomes if o.level not in ("missing", "incomparable")][:4]
    [('prior', '1 in 1000000'), ('given', 'exact'), ('family', 'exact'), ('birth-date', 'exact')]
    """

    name = "fellegi-sunter"

    def __init__(self, model: LinkageModel) -> None:
        self._model = model
        self._compares = _compares(model)
        self._household = _household_outcome(model)

    def score(
        self, record: Record, candidates: Sequence[Record], /, *, population: int
    ) -> Sequence[MatchScore]:
        """One score per candidate, in their order."""
        people = max(population, self._model.population_floor)
        prior = ComparisonOutcome("prior", f"1 in {people}", self._model.prior(population))
        return [self._score(prior, record, candidate) for candidate in candidates]

    def _score(self, prior: ComparisonOutcome, record: Record, candidate: Record) -> MatchScore:
        outcomes = [prior, *[compare(record, candidate) for compare in self._compares]]
        if self._household is not None:
            outcomes.append(self._household(outcomes))
        weight = sum([outcome.weight for outcome in outcomes])
        return MatchScore(weight, probability(weight), tuple(outcomes))


def probability(weight: float) -> float:
    """The probability of a match weight in bits.

    >>> probability(0.0), probability(-5000.0) > 0
    (0.5, True)
    """
    return 1 / (1 + 2 ** -max(-_MOST_BITS, min(weight, _MOST_BITS)))


def _compares(model: LinkageModel) -> list[Compare]:
    if model.splink is None:
        return [compiled(comparison, model) for comparison in model.comparisons]
    # parsing SQL costs memory that other models don't need
    from fhir_mpi.linkage.splink.scoring import splink_compares

    return splink_compares(model.splink)


def compiled(comparison: Comparison, model: LinkageModel) -> Compare:
    """The comparison as one function: the first true level counts."""
    values: Callable[[Record], Values] = attrgetter(comparison.feature)
    null, *steps = [_step(comparison, level, model) for level in comparison.levels]
    is_null, missing = null[0], null[1]

    def compare(left: Record, right: Record) -> ComparisonOutcome:
        a, b = values(left), values(right)
        if is_null(a, b, left, right):
            return missing
        for test, outcome, scale in steps:
            if test(a, b, left, right):
                return outcome if scale is None else scale(a, b)
        raise AssertionError("a checked model ends every comparison with an else level")

    return compare


def _step(
    comparison: Comparison, level: Level, model: LinkageModel
) -> tuple[Test, ComparisonOutcome, _Scale]:
    test = COMPARATORS[level.comparator](level.threshold)
    outcome = ComparisonOutcome(comparison.name, level.label, comparison.weight(level))
    if level.term_frequency is None:
        return test, outcome, None
    return (
        test,
        outcome,
        _scaled(outcome, max(level.u, PROBABILITY_FLOOR), model.term_frequencies[level.term_frequency]),
    )


def _scaled(outcome: ComparisonOutcome, u: float, frequencies: TermFrequencies) -> _Scale:
    """Agreement on a rare value weighs more: the bits of u over the share of the value agreed on."""

    @lru_cache(maxsize=4096)
    def of(value: str) -> ComparisonOutcome:
        share = frequencies.share(value)
        if share is None:
            return outcome
        return ComparisonOutcome(outcome.comparison, outcome.level, outcome.weight + log2(u / share))

    def scale(a: Values, b: Values) -> ComparisonOutcome:
        if len(a) == 1:
            return of(a[0])
        return max([of(value) for value in a if value in b], key=_BY_WEIGHT)

    return scale


def _household_outcome(model: LinkageModel) -> Callable[[list[ComparisonOutcome]], ComparisonOutcome] | None:
    """What must be added to the separate weights so that together they count once.

    Nearly always below 0; above it where a disagreement is forgiven (another street, the same town).
    """
    household = model.household
    if household is None:
        return None
    # Outcome 0 is the prior.
    positions = {comparison.name: n for n, comparison in enumerate(model.comparisons, start=1)}
    location = [positions[name] for name in household.location]
    contact = [positions[name] for name in household.contact]

    unchanged = ComparisonOutcome("household", "counted once", 0.0)

    def outcome(outcomes: list[ComparisonOutcome]) -> ComparisonOutcome:
        where = [outcomes[n].weight for n in location]
        how = [outcomes[n].weight for n in contact]
        correction = household_weight(where, how, household) - sum(where) - sum(how)
        return unchanged if correction == 0 else ComparisonOutcome("household", "counted once", correction)

    return outcome
