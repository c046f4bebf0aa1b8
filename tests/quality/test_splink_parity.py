"""Splink's own probabilities, and ours from the model that it saved: the same for every pair."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import log2
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter, probability
from fhir_mpi.linkage.model import read_model
from fhir_mpi.linkage.record import Record, record_of

try:
    import duckdb
    import splink
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import ColumnExpression, DuckDBAPI, Linker, SettingsCreator, block_on
    from splink.blocking_rule_library import CustomRule
except ImportError:
    pytest.skip("PARITY WITH SPLINK IS NOT TESTED: install the group bench", allow_module_level=True)

PEOPLE = 230
SCALARS = ("given", "family", "birth_date", "gender", "postal_code", "address", "phone", "email")
NO_FLOORS = {"probability": 1e-300, "weight": -1000}
MODELS: Mapping[str, Sequence[Any]] = {
    "names, dates and mail as its library compares them": [
        cl.NameComparison("given"),
        cl.NameComparison("family").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("birth_date", input_is_string=True),
        cl.EmailComparison("email"),
        cl.ExactMatch("gender"),
    ],
    "names together, reversed too; edits, sets and parts": [
        cl.ForenameSurnameComparison("given", "family"),
        cl.DamerauLevenshteinAtThresholds("birth_date", [1, 2]),
        cl.LevenshteinAtThresholds("postal_code", [1]).configure(term_frequency_adjustments=True),
        cl.JaroAtThresholds("address", [0.95, 0.8]),
        cl.ArrayIntersectAtSizes("phones", [1]),
    ],
    "lists pair by pair, parts of texts, levels joined": [
        cl.PairwiseStringDistanceFunctionAtThresholds("phones", "damerau_levenshtein", [1]),
        cl.AbsoluteTimeDifferenceAtThresholds(
            "birth_date",
            input_is_string=True,
            datetime_format="%Y-%m-%d",
            metrics=["day", "year"],
            thresholds=[1, 1],
        ),
        cl.CustomComparison(
            output_column_name="name",
            comparison_levels=[
                cll.NullLevel("given"),
                cll.And(cll.ExactMatchLevel("given"), cll.ExactMatchLevel("family")),
                cll.ExactMatchLevel(ColumnExpression("given").substr(1, 3)),
                cll.Or(cll.JaroLevel("given", 0.9), cll.ExactMatchLevel("family")),
                cll.ElseLevel(),
            ],
        ),
        cl.ExactMatch("gender"),
    ],
    "levels of a site's own": [
        cl.CustomComparison(
            output_column_name="first name",
            comparison_levels=[
                cll.NullLevel("given"),
                cll.ExactMatchLevel("given", term_frequency_adjustments=True).configure(
                    tf_minimum_u_value=0.01, tf_adjustment_weight=0.5
                ),
                cll.ColumnsReversedLevel("given", "family", symmetrical=True),
                cll.CustomLevel("substr(given_l, 1, 1) = substr(given_r, 1, 1)", "same initial"),
                cll.ElseLevel(),
            ],
        ),
        cl.AbsoluteDateDifferenceAtThresholds(
            "birth_date", input_is_string=True, metrics=["day", "month", "year"], thresholds=[1, 1, 10]
        ),
        cl.PostcodeComparison("postal_code"),
        cl.JaroWinklerAtThresholds("family", [0.92, 0.8]),
        cl.JaccardAtThresholds("address", [0.9]),
    ],
}


@pytest.fixture(scope="module")
def records() -> Sequence[Record]:
    """People and a corrupted copy of each, every feature with one value."""
    names, rng = demo_names(), Random(7)
    drawn = list(people(PEOPLE, seed=8, names=names))
    patients = [patient for p in drawn for patient in (p.patient(), probe(p, rng, names).patient())]
    found = [record_of({**patient, "id": str(n)}) for n, patient in enumerate(patients)]
    return [Record(r.id, *(values[:1] for values in r[1:])) for r in found]


@pytest.mark.parametrize("name", MODELS)
def test_every_pair_has_the_probability_that_splink_gives_it(
    records: Sequence[Record], name: str, tmp_path: Path
) -> None:
    logging.getLogger("splink").setLevel(logging.ERROR)
    linker = _linker(records, MODELS[name])
    tables = {column: _shares(linker, column) for column in _adjusted(linker)}
    saved: Json = json.loads(json.dumps(linker.misc.save_model_to_json()))
    engine = FellegiSunter(read_model(_written(tmp_path, saved, tables)))
    prior = saved["probability_two_random_records_match"]
    pairs = linker.inference.predict(threshold_match_probability=0).as_duckdbpyrelation().fetchall()
    columns = linker.inference.predict(threshold_match_probability=0).columns_escaped
    left, right, theirs = (
        [c.strip('"') for c in columns].index(c) for c in ("unique_id_l", "unique_id_r", "match_probability")
    )
    worst = 0.0
    for pair in pairs:
        one, other = records[int(pair[left])], records[int(pair[right])]
        (score,) = engine.score(one, [other], population=1)
        ours = probability(sum(o.weight for o in score.outcomes[1:]) + log2(prior / (1 - prior)))
        worst = max(worst, abs(ours - pair[theirs]))
    assert len(pairs) > 100_000
    assert worst <= 1e-9


def _linker(records: Sequence[Record], comparisons: Sequence[Any]) -> Any:
    rows = [
        (r.id, *(next(iter(getattr(r, c)), None) for c in SCALARS), list(r.phone) or None) for r in records
    ]
    connection = duckdb.connect()
    with suppress(duckdb.Error):  # Splink 4 writes lambdas as DuckDB 2 reads them only where it is told to
        connection.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    connection.execute(f"CREATE TABLE people (unique_id TEXT, {' TEXT, '.join(SCALARS)} TEXT, phones TEXT[])")
    connection.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[CustomRule("1=1")],
        comparisons=list(comparisons),
        probability_two_random_records_match=0.002,
    )
    api: Any = DuckDBAPI(connection)
    make: Any = Linker
    four = int(splink.__version__.partition(".")[0]) < 5
    linker = make("people", settings, api) if four else make(api.register("people"), settings)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e5, seed=1)
    for rule in ("gender", "family"):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(rule))
    return linker


def _adjusted(linker: Any) -> set[str]:
    levels = [
        level for c in linker.misc.save_model_to_json()["comparisons"] for level in c["comparison_levels"]
    ]
    return {level["tf_adjustment_column"] for level in levels if level.get("tf_adjustment_column")}


def _shares(linker: Any, column: str) -> Mapping[str, float]:
    table = linker.table_management.compute_tf_table(column).as_duckdbpyrelation()
    value, share = (table.columns.index(name) for name in (column, f"tf_{column}"))
    return {row[value]: row[share] for row in table.fetchall() if row[value] is not None}


def _written(folder: Path, saved: Json, tables: Mapping[str, Mapping[str, float]]) -> Path:
    """A linkage model that names Splink's file beside it."""
    (folder / "splink.json").write_text(json.dumps(saved))
    model = {
        "name": "from-splink",
        "version": "1",
        "resourceType": "Patient",
        "cap": 300,
        "populationFloor": 1,
        "blockingRules": [{"name": "phone", "stored": ["phone"]}],
        "comparisons": [
            {
                "name": "gender",
                "feature": "gender",
                "levels": [
                    {"label": "missing", "comparator": "missing", "null": True},
                    {"label": "else", "comparator": "else", "m": 1, "u": 1},
                ],
            }
        ],
        "splink": {
            "model": "splink.json",
            "columns": {**{c: c for c in SCALARS}, "phones": {"feature": "phone", "list": True}},
            "termFrequencies": tables,
            "floors": NO_FLOORS,
            "unobserved": "floor",
        },
        "grades": {"certain": 0.99, "probable": 0.9, "possible": 0.5},
        "caps": [],
    }
    (folder / "model.json").write_text(json.dumps(model))
    return folder / "model.json"
