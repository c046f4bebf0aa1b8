"""A Splink model inside a linkage model: its JSON as Splink saved it, and what its columns are here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_mpi.fhir.types import Json

EXACT: Final = '"{column}_l" = "{column}_r"'
FLOOR: Final = 1e-6
LOWEST_WEIGHT: Final = -15.0
REFUSE: Final = "refuse"
LAPLACE: Final = "laplace"


@dataclass(frozen=True, slots=True)
class ColumnOf:
    """The feature of a Record that a column is; the whole list of its values, or one of them."""

    feature: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class SplinkLevel:
    """A level as Splink saved it; `m` and `u` are None where training never observed it."""

    label: str
    condition: str
    is_null: bool
    m: float | None
    u: float | None
    tf_column: str | None
    tf_weight: float
    tf_minimum: float
    tf_own_u: bool

    @property
    def is_else(self) -> bool:
        return self.condition.strip().upper() == "ELSE"


@dataclass(frozen=True, slots=True)
class SplinkComparison:
    name: str
    levels: tuple[SplinkLevel, ...]

    def exact_u(self, level: SplinkLevel) -> float | None:
        """The u that a term frequency stands in for: that of agreement on the column itself."""
        exact = EXACT.format(column=level.tf_column)
        found = (other.u for other in self.levels if other.condition.strip() == exact)
        return level.u if level.tf_own_u else next(found, level.u)


@dataclass(frozen=True)
class SplinkSource:
    """The comparisons of a Splink model (v4 or v5), its columns, and its term-frequency tables.

    `probability_floor` is the least that an m or a u is taken for, `lowest_weight` (bits) the least that a
    level weighs: EM gives levels that hardly occur weights which alone would veto a true match.
    """

    comparisons: tuple[SplinkComparison, ...]
    columns: Mapping[str, ColumnOf]
    term_frequencies: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    probability_floor: float = FLOOR
    lowest_weight: float = LOWEST_WEIGHT
    unobserved: str = REFUSE
    """What becomes of a level that training never saw: it is refused, has the floor, or is taken to have
    been seen half a time (`laplace`) among so many `matches` (its m) and `random_pairs` (its u).
    """
    matches: int = 0
    random_pairs: int = 0
    of_bytes: bool = False
    """Whether texts are compared by their bytes, as DuckDB 1 does; DuckDB 2 takes characters."""


def level_probabilities(source: SplinkSource, level: SplinkLevel, levels: int) -> tuple[float, float]:
    """m and u of a level of a comparison with so many levels that weigh, none below the floor."""
    pairs = ((level.m, source.matches), (level.u, source.random_pairs))
    m, u = (_unseen(source, counted, levels) if value is None else value for value, counted in pairs)
    return max(m, source.probability_floor), max(u, source.probability_floor)


def _unseen(source: SplinkSource, counted: int, levels: int) -> float:
    return 0.5 / (counted + 0.5 * levels) if source.unobserved == LAPLACE else source.probability_floor


def splink_source(document: Json) -> SplinkSource:
    """What the `splink` of a linkage model says; its shape was checked."""
    floors, counted = document.get("floors", {}), document.get("counted", {})
    return SplinkSource(
        comparisons=tuple(_comparison(each) for each in document["model"]["comparisons"]),
        columns={name: _column(column) for name, column in document["columns"].items()},
        term_frequencies=document.get("termFrequencies", {}),
        probability_floor=floors.get("probability", FLOOR),
        lowest_weight=floors.get("weight", LOWEST_WEIGHT),
        unobserved=document.get("unobserved", REFUSE),
        matches=counted.get("matches", 0),
        random_pairs=counted.get("random", 0),
        of_bytes=document.get("texts") == "bytes",
    )


def source_problems(source: SplinkSource, features: Mapping[str, int]) -> Iterator[str]:
    """What the source refers to and isn't there; conditions are looked at by `scoring`."""
    if source.unobserved == LAPLACE and not (source.matches and source.random_pairs):
        yield '$.splink.counted: "unobserved": "laplace" needs the numbers of pairs that training counted'
    for name, column in source.columns.items():
        if column.feature not in features:
            yield f"$.splink.columns.{name}: unknown feature {column.feature!r}"
    for name in source.term_frequencies:
        if name not in source.columns:
            yield f"$.splink.termFrequencies.{name}: no such column"
    for n, comparison in enumerate(source.comparisons):
        path = f"$.splink.model.comparisons[{n}]"
        if not comparison.levels[-1].is_else:
            yield f"{path}: the last level must be ELSE"
        for k, level in enumerate(comparison.levels):
            yield from _level_problems(source, level, f"{path}.comparison_levels[{k}]")


def _level_problems(source: SplinkSource, level: SplinkLevel, path: str) -> Iterator[str]:
    if level.is_null:
        return
    for name, value in (("m_probability", level.m), ("u_probability", level.u)):
        if value is None and source.unobserved == REFUSE:
            yield (f'{path}: no {name}, as training never saw it; "unobserved": "floor" takes the floor')
    if level.tf_column is not None and level.tf_column not in source.term_frequencies:
        yield f"{path}: no term frequencies of {level.tf_column!r}; Splink keeps them outside of its model"


def _comparison(comparison: Mapping[str, Any]) -> SplinkComparison:
    name = comparison.get("output_column_name") or comparison.get("comparison_description") or "comparison"
    return SplinkComparison(name, tuple(_level(level) for level in comparison["comparison_levels"]))


def _level(level: Mapping[str, Any]) -> SplinkLevel:
    return SplinkLevel(
        label=level.get("label_for_charts") or level["sql_condition"],
        condition=level["sql_condition"],
        is_null=level.get("is_null_level", False),
        m=level.get("m_probability"),
        u=level.get("u_probability"),
        tf_column=level.get("tf_adjustment_column"),
        tf_weight=level.get("tf_adjustment_weight", 1.0),
        tf_minimum=level.get("tf_minimum_u_value") or 0.0,
        tf_own_u=level.get("disable_tf_exact_match_detection", False),
    )


def _column(column: str | Json) -> ColumnOf:
    if isinstance(column, str):
        return ColumnOf(column)
    return ColumnOf(column["feature"], column.get("list", False))
