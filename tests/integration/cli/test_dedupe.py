"""fhir-mpi dedupe, on both stores: what it finds is what $match would say."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import Result

from fhir_mpi.fhir.types import Resource
from tests.integration.cli.command import run, written

HOME = {"address": [{"line": ["12 Quay Street"], "city": "Port Alder", "postalCode": "40213"}]}


def _person(id: str, given: str, family: str = "Rivera", born: str = "1980-02-29") -> Resource:
    name = [{"family": family, "given": [given]}]
    return {"resourceType": "Patient", "id": id, "name": name, "birthDate": born, **HOME}


PEOPLE = [
    _person("a1", "Ana"),
    _person("a2", "Ana"),
    _person("a3", "Anna"),
    _person("twin", "Mateo"),
    _person("z", "Chidi", "Okafor", "1950-11-11"),
]


@pytest.fixture
def people(loaded: Callable[..., Result], tmp_path: Path) -> None:
    assert loaded(written(tmp_path / "people.ndjson", PEOPLE)).exit_code == 0


@pytest.mark.usefixtures("people")
def test_every_pair_is_graded_as_match_grades_it_and_certain_ones_are_clustered(
    store_url: str, tmp_path: Path
) -> None:
    output = tmp_path / "pairs.csv"
    result = run("dedupe", output, "--store", store_url)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(output.read_text().splitlines()))
    found = {(row["one"], row["other"]): row for row in rows}
    assert {pair for pair, row in found.items() if row["grade"] == "certain"} == {
        ("a1", "a2"),
        ("a1", "a3"),
        ("a2", "a3"),
    }
    assert {row["cluster"] for row in rows if row["grade"] == "certain"} == {"a1"}
    twin = found["a1", "twin"]
    assert (twin["grade"], twin["guards"], twin["cluster"]) == ("possible", "given-name-differs", "")
    assert twin["model"] == "default-patient"
    assert "1 clusters of 3 records" in result.output
    match = run("match", "--json", "-", "--store", store_url, input=json.dumps(PEOPLE[0]).encode())
    entry = next(e for e in json.loads(match.output)["entry"] if e["resource"]["id"] == "a3")
    weight = entry["search"]["extension"][1]["extension"][0]["valueDecimal"]
    assert float(found["a1", "a3"]["weight"]) == pytest.approx(weight, abs=0.001)


@pytest.mark.usefixtures("people")
def test_pairs_of_a_better_grade_alone_are_written_where_that_is_asked_for(
    store_url: str, tmp_path: Path
) -> None:
    output = tmp_path / "pairs.ndjson"
    result = run("dedupe", output, "--store", store_url, "--least", "probable")
    assert result.exit_code == 0, result.output
    assert {json.loads(line)["grade"] for line in output.read_text().splitlines()} == {"certain"}


def test_parquet_has_numbers_and_texts_and_nobody_alike_is_no_pair(in_threads: None, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'index.db'}"
    run("load", written(tmp_path / "people.ndjson", [PEOPLE[0], PEOPLE[4]]), "--store", store)
    output = tmp_path / "pairs.parquet"
    result = run("dedupe", output, "--store", store)
    assert (result.exit_code, "2 records, 0 pairs: none" in result.output) == (0, True)
    types = {name: str(kind) for name, kind, *_ in _described(output)}
    assert (types["one"], types["weight"]) == ("VARCHAR", "DOUBLE")


def _described(path: Path) -> list[tuple[str, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"DESCRIBE FROM '{path}'").fetchall()


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    result = run("dedupe", tmp_path / "pairs.xlsx")
    assert (result.exit_code, "must end in .csv, .ndjson, .parquet" in result.output) == (2, True)
