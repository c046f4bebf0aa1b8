"""Splink's comparisons as functions of two records, weighed as Splink weighs them.

The weight of a level is log2(m/u), of a level with a term frequency log2(m/u) + w * log2(u_exact/share)
where share is the greater of the two values' shares (Splink, `comparison_level.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from math import log2
from typing import Final, TypeAlias

from fhir_mpi.linkage.engine import ComparisonOutcome
from fhir_mpi.linkage.record import Record, Values
from fhir_mpi.linkage.splink.condition import Column, Condition, UntranslatableCondition, compiled_condition
from fhir_mpi.linkage.splink.source import (
    SplinkComparison,
    SplinkLevel,
    SplinkSource,
    level_probabilities,
)

Compare: TypeAlias = Callable[[Record, Record], ComparisonOutcome]
Scale: TypeAlias = Callable[[Record, Record], ComparisonOutcome]
NUMBERS: Final[Mapping[str, int]] = {name: number for number, name in enumerate(Record._fields) if number}
"""The features of a Record and where they are in it."""

TRIAL: Final = (("1980-01-02", "1980-01-03"), ("5", "7"), ("ana", "eva"))
"""What every column has for a moment: days, numbers, words."""


def splink_compares(source: SplinkSource) -> list[Compare]:
    """Each comparison as one function; the first level that holds counts."""
    return [_compare(source, comparison) for comparison in source.comparisons]


def condition_problems(source: SplinkSource) -> Iterator[str]:
    """Every condition that can't be translated, with its place."""
    columns = _columns(source)
    for n, comparison in enumerate(source.comparisons):
        for k, level in enumerate(comparison.levels):
            try:
                _tried(_condition(source, level, columns))
            except UntranslatableCondition as error:
                yield f"$.splink.model.comparisons[{n}].comparison_levels[{k}].sql_condition: {error}"


def _columns(source: SplinkSource) -> Mapping[str, Column]:
    return {name: Column(NUMBERS[each.feature], each.is_list) for name, each in source.columns.items()}


def _condition(source: SplinkSource, level: SplinkLevel, columns: Mapping[str, Column]) -> Condition:
    if level.is_else:
        return lambda left, right: True
    return compiled_condition(level.condition, columns, of_bytes=source.of_bytes)


def _tried(condition: Condition) -> None:
    """Values of a record are texts; what can't be computed of them is found now, and not in a request."""
    for one, other in TRIAL:
        try:
            condition([(one,)] * len(Record._fields), [(other,)] * len(Record._fields))
        except (TypeError, AttributeError, ArithmeticError) as error:
            raise UntranslatableCondition(f"it can't be computed of texts: {error}") from error


def _compare(source: SplinkSource, comparison: SplinkComparison) -> Compare:
    columns = _columns(source)
    steps = [
        (_condition(source, level, columns), *_outcome(source, comparison, level))
        for level in comparison.levels
    ]

    def compare(left: Record, right: Record) -> ComparisonOutcome:
        for holds, outcome, scale in steps:
            if holds(left, right):
                return outcome if scale is None else scale(left, right)
        raise AssertionError("a checked model ends every comparison with ELSE")

    return compare


def _outcome(
    source: SplinkSource, comparison: SplinkComparison, level: SplinkLevel
) -> tuple[ComparisonOutcome, Scale | None]:
    m, u = level_probabilities(source, level, sum(not each.is_null for each in comparison.levels))
    weight = 0.0 if level.is_null else max(log2(m / u), source.lowest_weight)
    outcome = ComparisonOutcome(comparison.name, level.label, weight)
    if level.tf_column is None or level.is_null:
        return outcome, None
    exact_u = max(comparison.exact_u(level) or 0.0, source.probability_floor)
    return outcome, _scaled(source, level, outcome, exact_u)


def _scaled(source: SplinkSource, level: SplinkLevel, outcome: ComparisonOutcome, exact_u: float) -> Scale:
    """The outcome with the bits for how rare the value is."""
    column = level.tf_column or ""
    number, shares = NUMBERS[source.columns[column].feature], source.term_frequencies[column]

    def scale(left: Record, right: Record) -> ComparisonOutcome:
        share = _share(shares, left[number], right[number])
        if share is None:
            return outcome
        more = level.tf_weight * log2(exact_u / max(share, level.tf_minimum))
        return ComparisonOutcome(outcome.comparison, outcome.level, outcome.weight + more)

    return scale


def _share(shares: Mapping[str, float], ours: Values | str, theirs: Values | str) -> float | None:
    """The share of the rarest value that both have, else the greater one of what each has."""
    common = [share for value in ours if value in theirs and (share := shares.get(value)) is not None]
    if common:
        return min(common)
    known = [share for values in (ours, theirs) if (share := shares.get(values[0])) is not None]
    return max(known, default=None)
