"""Every kind of level in Splink's library, as Splink writes it: it holds of a pair where DuckDB says so."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from fhir_mpi.linkage.splink.condition import Column, compiled_condition

try:
    import duckdb
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import ColumnExpression
except ImportError:
    pytest.skip("SPLINK'S LEVELS ARE NOT TESTED: install the group bench", allow_module_level=True)

PAIRS = 3000
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("given", "family", "birth_date", "postal_code", "email"), "TEXT"),
    "born": "DATE",
    "phones": "TEXT[]",
    "vector": "DOUBLE[3]",
    **dict.fromkeys(("lat", "long", "year"), "DOUBLE"),
}
COLUMNS = {name: Column(n, is_list=name in ("phones", "vector")) for n, name in enumerate(TYPES)}
PLACES = ("sw1a 1aa", "SW1A 1AA", "SW1A 2AA", "N1 9GU", "90210")
DATES = ("1980-01-05", "1980-05-01", "1980-01-06", "1980-02-05", "1989-12-31", "1979-01-05")
NAMES = ("ana", "anna", "anne", "hanna", "josé", "jose", "jo", "maría", "maria", "", "martha", "marhta")
PERIODS: Any = {"metrics": ["day", "month", "year"], "thresholds": [1, 1, 10]}

COMPARISONS: Mapping[str, Callable[[], Any]] = {
    "exact": lambda: cl.ExactMatch("given"),
    "Levenshtein": lambda: cl.LevenshteinAtThresholds("given", [1, 2]),
    "Damerau-Levenshtein": lambda: cl.DamerauLevenshteinAtThresholds("given", [1, 2]),
    "Jaccard": lambda: cl.JaccardAtThresholds("family", [0.9, 0.5]),
    "Jaro": lambda: cl.JaroAtThresholds("given", [0.9, 0.7]),
    "Jaro-Winkler": lambda: cl.JaroWinklerAtThresholds("given", [0.9, 0.7]),
    "any distance function": lambda: cl.DistanceFunctionAtThresholds("birth_date", "hamming", [1, 2]),
    "edits between lists": lambda: cl.PairwiseStringDistanceFunctionAtThresholds(
        "phones", "damerau_levenshtein", [1]
    ),
    "Jaro-Winkler between lists": lambda: cl.PairwiseStringDistanceFunctionAtThresholds(
        "phones", "jaro_winkler", [0.9]
    ),
    "sizes of an intersection": lambda: cl.ArrayIntersectAtSizes("phones", [2, 1]),
    "date difference": lambda: cl.AbsoluteDateDifferenceAtThresholds(
        "birth_date", input_is_string=True, **PERIODS
    ),
    "difference of native dates": lambda: cl.AbsoluteDateDifferenceAtThresholds(
        "born", input_is_string=False, **PERIODS
    ),
    "time difference": lambda: cl.AbsoluteTimeDifferenceAtThresholds(
        "birth_date", input_is_string=True, datetime_format="%Y-%m-%d", **PERIODS
    ),
    "date of birth": lambda: cl.DateOfBirthComparison("birth_date", input_is_string=True),
    "native date of birth": lambda: cl.DateOfBirthComparison("born", input_is_string=False),
    "distance in km": lambda: cl.DistanceInKMAtThresholds("lat", "long", [1, 10, 100]),
    "cosine": lambda: cl.CosineSimilarityAtThresholds("vector", [0.99, 0.9]),
    "postcode": lambda: cl.PostcodeComparison("postal_code"),
    "postcode with places": lambda: cl.PostcodeComparison(
        "postal_code", lat_col="lat", long_col="long", km_thresholds=[1, 10]
    ),
    "email": lambda: cl.EmailComparison("email"),
    "name": lambda: cl.NameComparison("given"),
    "name with phonetic codes": lambda: cl.NameComparison("given", dmeta_col_name="phones"),
    "forename and surname": lambda: cl.ForenameSurnameComparison("given", "family"),
}
LEVELS: Mapping[str, Callable[[], Any]] = {
    "null by pattern": lambda: cll.NullLevel("given", valid_string_pattern="^[a-z]+$"),
    "literal": lambda: cll.LiteralMatchLevel("given", "ana", "string", "both"),
    "literal number": lambda: cll.LiteralMatchLevel("year", "1980", "int", "left"),
    "literal date": lambda: cll.LiteralMatchLevel("born", "1980-01-05", "date", "both"),
    "columns reversed": lambda: cll.ColumnsReversedLevel("given", "family"),
    "columns reversed both ways": lambda: cll.ColumnsReversedLevel("given", "family", symmetrical=True),
    "absolute difference": lambda: cll.AbsoluteDifferenceLevel("year", 2),
    "percentage difference": lambda: cll.PercentageDifferenceLevel("year", 0.001),
    "subset": lambda: cll.ArraySubsetLevel("phones"),
    "subset, empty ones too": lambda: cll.ArraySubsetLevel("phones", empty_is_subset=True),
    "km where both are known": lambda: cll.DistanceInKMLevel("lat", "long", 50, not_null=True),
    "and, or, not": lambda: cll.And(
        cll.Or(cll.ExactMatchLevel("given"), cll.LevenshteinLevel("family", 1)),
        cll.Not(cll.ExactMatchLevel("birth_date")),
    ),
}
EXPRESSIONS: Mapping[str, Callable[[], Any]] = {
    "lower case": lambda: ColumnExpression("postal_code").lower(),
    "part": lambda: ColumnExpression("given").substr(1, 2),
    "extracted": lambda: ColumnExpression("email").regex_extract("^(.*)@(.*)$", 2),
    "cast": lambda: ColumnExpression("born").cast_to_string(),
    "parsed": lambda: ColumnExpression("birth_date").try_parse_date("%Y-%m-%d"),
    "without a placeholder": lambda: ColumnExpression("given").nullif("jo"),
    "first of a list": lambda: ColumnExpression("phones").access_extreme_array_element("first"),
    "last of a list": lambda: ColumnExpression("phones").access_extreme_array_element("last"),
}


def written() -> dict[str, str]:
    """Name -> condition of every level, in DuckDB's dialect."""
    found: dict[str, str] = {}
    for name, comparison in COMPARISONS.items():
        levels = comparison().get_comparison("duckdb").as_dict()["comparison_levels"]
        found |= {f"{name} {n}": level["sql_condition"] for n, level in enumerate(levels[:-1])}
    alone = {name: make() for name, make in LEVELS.items()}
    alone |= {name: cll.ExactMatchLevel(make()) for name, make in EXPRESSIONS.items()}
    for name, level in alone.items():
        found[name] = level.get_comparison_level("duckdb").as_dict()["sql_condition"]
    return found


@pytest.fixture(scope="module")
def rows() -> Sequence[tuple[Any, ...]]:
    """Invented records, two after another being a pair; a tenth of all that could be known is not."""
    rng = Random(5)

    def row() -> tuple[Any, ...]:
        near = rng.choice([0.001, 0.05, 1.0])
        found = (
            rng.choice(NAMES),
            rng.choice([name for name in NAMES if name]),  # DuckDB refuses the Jaccard index of nothing
            date := rng.choice(DATES),
            rng.choice(PLACES),
            f"{rng.choice(NAMES)}@{rng.choice(('x', 'y'))}.example",
            date,
            rng.sample(("5550100", "5550101", "5500100", "5559999"), rng.randint(1, 3)),
            [rng.choice((0.5, 1.0, 2.0)) for _ in range(3)],
            51.5 + rng.random() * near,
            rng.random() * near,
            1970.0 + rng.randint(0, 20),
        )
        return tuple(None if rng.random() < 0.1 else value for value in found)

    return [row() for _ in range(2 * PAIRS)]


@pytest.fixture(scope="module")
def database(rows: Sequence[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    types = {"n": "INT", **{f"{name}_{side}": type for side in "lr" for name, type in TYPES.items()}}
    pairs = [dict(zip(types, (n, *rows[2 * n], *rows[2 * n + 1]), strict=True)) for n in range(PAIRS)]
    file = tmp_path_factory.mktemp("pairs") / "pairs.ndjson"
    file.write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    connection = duckdb.connect()
    with suppress(duckdb.Error):  # Splink 4 writes lambdas as DuckDB 2 reads them only where it is told to
        connection.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    connection.execute(f"CREATE TABLE pairs ({', '.join(f'{c} {t}' for c, t in types.items())})")
    texts = {name: type.replace("[3]", "[]") for name, type in types.items()}
    connection.execute(f"INSERT INTO pairs SELECT * FROM read_json('{file}', columns = {texts})")  # noqa: S608
    return connection


@pytest.mark.parametrize("name", written())
def test_a_level_holds_of_a_pair_where_duckdb_says_so(
    rows: Sequence[tuple[Any, ...]], database: Any, name: str
) -> None:
    sql = written()[name]
    holds = compiled_condition(sql, COLUMNS)
    records = [[_values(value) for value in row] for row in rows]
    ours = {n for n in range(PAIRS) if holds(records[2 * n], records[2 * n + 1])}
    theirs = {n for (n,) in database.execute(f"SELECT n FROM pairs WHERE {sql}").fetchall()}  # noqa: S608
    assert ours == theirs
    assert ours, "no pair of these would show a difference"


def _values(value: Any) -> tuple[Any, ...]:
    """As a Record has it: every value of the feature."""
    return () if value is None else tuple(value) if isinstance(value, list) else (value,)
