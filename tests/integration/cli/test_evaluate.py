"""fhir-mpi evaluate and compare, on both stores."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from fhir_mpi.fhir.types import Json, Resource
from tests.integration.cli.command import run, written

HOME = {"address": [{"line": ["12 Quay Street"], "city": "Port Alder", "postalCode": "40213"}]}
PATIENT_MODEL = Path(__file__).parents[3] / "fhir_mpi" / "models" / "patient.json"


def _person(id: str, given: str, born: str = "1980-02-29", **more: object) -> Resource:
    name = [{"family": "Rivera", "given": [given]}]
    return {"resourceType": "Patient", "id": id, "name": name, "birthDate": born, **HOME, **more}


PEOPLE = [
    _person("a1", "Ana"),
    _person("a2", "Anna"),
    _person("twin", "Mateo"),
    {"resourceType": "Patient", "id": "b1", "name": [{"family": "Okafor"}], "birthDate": "1960-01-05"},
    {"resourceType": "Patient", "id": "b2", "name": [{"family": "Lindqvist"}], "birthDate": "1961-07-08"},
]
PERSONS = "id,person\na1,1\na2,1\ntwin,2\nb1,3\nb2,3\nunknown,9\n"


@pytest.fixture
def people(loaded: Callable[..., Result], tmp_path: Path) -> None:
    assert loaded(written(tmp_path / "people.ndjson", PEOPLE)).exit_code == 0


def _model(path: Path, **grades: float) -> Path:
    document: Json = json.loads(PATIENT_MODEL.read_text())
    document["name"] = path.stem
    document["grades"] |= grades
    path.write_text(json.dumps(document))
    return path


@pytest.mark.usefixtures("people")
def test_labels_are_compared_with_what_the_server_says(store_url: str, tmp_path: Path) -> None:
    labels, output = tmp_path / "labels.csv", tmp_path / "found.json"
    labels.write_text(PERSONS)
    result = run("evaluate", labels, "--store", store_url, "--output", output)
    assert result.exit_code == 0, result.output
    assert "2 pairs of one person, 1 of them brought together by no blocking key" in result.output
    found = json.loads(output.read_text())
    assert found["confusion"]["certain"] == {"same": 1, "different": 0}
    assert found["confusion"]["not compared"] == {"same": 1, "different": 0}
    assert found["grades"]["probable"]["precision"] == 1.0
    assert found["grades"]["probable"]["recall"] == 0.5
    assert "No blocking key brought them together." in output.with_suffix(".html").read_text()


@pytest.mark.usefixtures("people")
def test_newcomers_are_asked_about_as_if_they_came_to_the_desk(store_url: str, tmp_path: Path) -> None:
    labels, output = tmp_path / "labels.csv", tmp_path / "found.json"
    labels.write_text("id_l,id_r,match\nnew,a1,1\nnew,twin,0\n")
    probes = written(tmp_path / "new.ndjson", [_person("new", "Ana"), _person("nobody", "Ana")])
    strict = _model(tmp_path / "strict.json", certain=0.999999999999)
    asked = ("--probes", probes, "--model", strict)
    result = run("evaluate", labels, "--store", store_url, "--output", output, *asked)
    assert result.exit_code == 0, result.output
    found = json.loads(output.read_text())
    assert found["model"] == "strict"
    assert found["pairs"] == {"same": 1, "different": 1}
    assert found["errors"][0]["guards"] == ["given-name-differs"]


@pytest.mark.usefixtures("people")
def test_labels_of_nobody_here_are_refused(store_url: str, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("id_l,id_r\nx,y\n")
    result = run("evaluate", labels, "--store", store_url, "--output", tmp_path / "found.json")
    assert (result.exit_code, "none of the labelled records is there" in result.output) == (2, True)


@pytest.mark.usefixtures("people")
def test_a_change_of_model_is_shown_before_it_is_made(store_url: str, tmp_path: Path) -> None:
    strict, output = _model(tmp_path / "strict.json", certain=0.999999999999), tmp_path / "found.json"
    result = run("compare", strict, "--store", store_url, "--output", output)
    assert result.exit_code == 0, result.output
    found = json.loads(output.read_text())
    assert (found["before"], found["after"], found["probes"]) == ("default-patient", "strict", 5)
    changed = {(t["before"], t["after"]): t for t in found["transitions"] if t["before"] != t["after"]}
    assert found["changed"] == sum(t["pairs"] for t in changed.values()) == 1
    [sample] = changed["certain", "probable"]["samples"]
    assert {sample["one"], sample["other"]} == {"a1", "a2"}
    assert "certain became probable" in output.with_suffix(".html").read_text()


@pytest.mark.usefixtures("people")
def test_a_model_changes_nothing_in_the_place_of_itself(store_url: str, tmp_path: Path) -> None:
    output = tmp_path / "found.json"
    sampled = ("--sample", 2, "--output", output, "--store", store_url)
    result = run("compare", PATIENT_MODEL, PATIENT_MODEL, *sampled)
    assert result.exit_code == 0, result.output
    found = json.loads(output.read_text())
    assert (found["probes"], found["changed"]) == (2, 0)


@pytest.mark.parametrize("text", ["{", "{}"])
def test_a_model_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(text)
    result = run("compare", broken, "--store", f"sqlite:///{tmp_path / 'index.db'}")
    assert (result.exit_code, "broken.json" in result.output) == (2, True)


def test_a_model_of_another_type_is_refused(tmp_path: Path) -> None:
    result = run(
        "compare", PATIENT_MODEL, "--type", "Organization", "--store", f"sqlite:///{tmp_path / 'index.db'}"
    )
    assert (result.exit_code, "a model for Patient, not for Organization" in result.output) == (2, True)
