"""Records as a table of DuckDB, and Splink's linker on it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fhir_mpi.batch.training.agreement import column_name, conditions, level_functions
from fhir_mpi.batch.training.extra import Extra
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record, pack
from fhir_mpi.linkage.weights import Comparison, Level

TABLE: Final = "people"
COLUMNS: Final = Record._fields[1:]
"""The first value of each feature has a column: for term frequencies, and to block on."""
_ROWS: Final = 20_000


def connected(found: Extra, model: LinkageModel, records: Iterable[Record], *, threads: int | None) -> Any:
    """A DuckDB in memory with the records and the functions that compare them.

    On one thread the same records and seed give the same figures.
    """
    connection = found.duckdb.connect(config={"threads": threads} if threads else {})
    for name, function in level_functions(model).items():
        connection.create_function(name, function, ["VARCHAR", "VARCHAR"], "INTEGER")
    columns = ", ".join(f"{name} VARCHAR" for name in ("unique_id", "record", *COLUMNS))
    connection.execute(f"CREATE TABLE {TABLE} ({columns})")
    rows: list[Sequence[str | None]] = []
    for record in records:
        rows.append(_row(record))
        if len(rows) == _ROWS:
            _insert(found, connection, rows)
            rows = []
    _insert(found, connection, rows)
    return connection


def linker(found: Extra, connection: Any, settings: Json, table: str = TABLE) -> Any:
    """Splink's linker on a table of records; quiet, as it would else say at length what it does."""
    for name in ("splink", "splink.internals"):
        logging.getLogger(name).setLevel(logging.ERROR)
    database = found.splink.DuckDBAPI(connection)
    if found.is_splink_5:
        return found.splink.Linker(database.register(table), settings, log_level=None)
    return found.splink.Linker(table, settings, database, set_up_basic_logging=False)


def settings_of(model: LinkageModel, *, probabilities: bool = True, **more: object) -> Json:
    """A model's comparisons as Splink's settings, with or without their m and u."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "comparisons": [_comparison(comparison, probabilities) for comparison in weighed(model)],
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": False,
        "blocking_rules_to_generate_predictions": [],
        **more,
    }


def weighed(model: LinkageModel) -> Sequence[Comparison]:
    """The comparisons that can tell anything: one with a single level but the null one is a guard's alone."""
    return [c for c in model.comparisons if sum(not level.null for level in c.levels) > 1]


def _comparison(comparison: Comparison, probabilities: bool) -> Json:
    levels = [
        _level(comparison, level, condition, probabilities)
        for level, condition in zip(comparison.levels, conditions(comparison), strict=True)
    ]
    return {"output_column_name": column_name(comparison), "comparison_levels": levels}


def _level(comparison: Comparison, level: Level, condition: str, probabilities: bool) -> Json:
    found: Json = {"sql_condition": condition, "label_for_charts": level.label}
    if level.null:
        return {**found, "is_null_level": True}
    if probabilities:
        found |= {"m_probability": level.m, "u_probability": level.u}
    if level.term_frequency is None:
        return found
    # Splink looks for an equality of two columns to know the u that a frequency stands in for.
    return {
        **found,
        "tf_adjustment_column": comparison.feature,
        "tf_adjustment_weight": 1.0,
        "disable_tf_exact_match_detection": True,
    }


def _row(record: Record) -> Sequence[str | None]:
    firsts = [values[0] if values else None for values in record[1:]]
    return (record.id, pack(record), *firsts)


def _insert(found: Extra, connection: Any, rows: Sequence[Sequence[str | None]]) -> None:
    append(found, connection, TABLE, dict.fromkeys(("unique_id", "record", *COLUMNS), "string"), rows)


def append(
    found: Extra, connection: Any, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]]
) -> None:
    """Rows into a table whose columns have these Arrow types, as many as there are.

    With types: a column without a single value would else be one of integers.
    """
    values = zip(*rows, strict=True) if rows else [() for _ in columns]
    arrays = [
        found.arrow.array(each, getattr(found.arrow, kind)())
        for each, kind in zip(values, columns.values(), strict=True)
    ]
    connection.register("batch", found.arrow.table(arrays, names=list(columns)))
    connection.execute(f"INSERT INTO {table} SELECT * FROM batch")  # noqa: S608 - a table of ours
    connection.unregister("batch")
