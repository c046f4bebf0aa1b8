"""`fhir-mpi match`: who is this?"""

import json
from pathlib import Path

import pytest

from fhir_mpi.fhir.types import Json, Resource
from tests.integration.cli.command import patient, run, written

HOME: Json = {"line": ["12 Example Lane"], "city": "Arden", "postalCode": "01234"}
ANA = patient(
    "ana",
    name=[{"use": "official", "family": "Rivera", "given": ["Ana"]}],
    birthDate="1980-02-29",
    gender="female",
    telecom=[{"system": "phone", "value": "555 010 0199"}, {"system": "email", "value": "ana@mail.invalid"}],
    identifier=[{"system": "urn:mrn", "value": "48151623"}],
    address=[HOME],
)
SISTER = {**ANA, "id": "eva", "name": [{"family": "Rivera", "given": ["Eva [x]"]}], "birthDate": "1983-05-05"}
CLINIC = {"resourceType": "Organization", "id": "o", "name": "Arden Clinic", "identifier": ANA["identifier"]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("match")
    url = f"sqlite:///{folder / 'index.db'}"
    people: list[Resource] = [ANA, {**SISTER, "identifier": []}, CLINIC]
    people[1].pop("identifier")
    file = written(folder / "people.ndjson", people)
    result = run("load", file, "--workers", 1, "--store", url)
    assert result.exit_code == 0, result.output
    return url


def test_the_best_match_is_explained_comparison_by_comparison(store: str) -> None:
    result = run(
        *("match", "--family", "Rivera", "--given", "Ana", "--birthdate", "1980-02-29", "--gender", "female"),
        *("--phone", "5550100199", "--email", "ana@mail.invalid", "--identifier", "urn:mrn|48151623"),
        *("--address-line", "12 Example Ln", "--city", "Arden", "--postal-code", "01234", "--store", store),
    )
    assert result.exit_code == 0, result.output
    assert "certain" in result.output
    assert "Ana Rivera" in result.output
    assert "Patient/ana: how it came about" in result.output
    assert "Patient/eva: how it came about" not in result.output
    assert "█" in result.output
    assert "bits: probability" in result.output


def test_every_match_is_explained_where_that_is_asked_for(store: str) -> None:
    known: tuple[str, ...] = (
        "--family",
        "Rivera",
        "--phone",
        "5550100199",
        "--address-line",
        "12 Example Lane",
    )
    known = (*known, "--postal-code", "01234", "--city", "Arden", "--email", "ana@mail.invalid")
    result = run("match", *known, "--all", "--store", store)
    assert "Patient/ana: how it came about" in result.output
    assert "Patient/eva: how it came about" in result.output
    assert "Eva [x] Rivera" in result.output
    assert "1 more were found" in run("match", *known, "--count", 1, "--store", store).output


def test_the_answer_of_the_server_is_printed_as_json(store: str, tmp_path: Path) -> None:
    file = tmp_path / "ana.json"
    file.write_text(json.dumps(ANA))
    bundle = json.loads(run("match", file, "--json", "--store", store).output)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    assert bundle["entry"][0]["resource"]["id"] == "ana"


def test_an_organization_is_read_from_standard_input_as_r4(store: str) -> None:
    clinic = {**CLINIC, "telecom": [{"system": "phone", "value": "555 010 0111"}]}
    result = run("match", "-", "--store", store, input=json.dumps(clinic).encode())
    assert result.exit_code == 0, result.output
    assert "Arden Clinic" in result.output


def test_nobody_is_an_answer(store: str) -> None:
    result = run(
        "match", "--family", "Quimby", "--birthdate", "1957-08-14", "--given", "Orla", "--store", store
    )
    assert (result.exit_code, "nobody is known" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give a FILE or say what is known"),
        (("person.json", "--family", "Rivera"), "give a FILE or say what is known"),
        (("--identifier", "|77"), "SYSTEM|VALUE"),
        (("--family", "Rivera", "--birthdate", "1980-02-30"), "Patient.birthDate"),
        (("--city", "Arden"), "too little to match on"),
        (("missing.json",), "missing.json: No such file"),
    ],
)
def test_what_cannot_be_matched_is_said(store: str, arguments: tuple[str, ...], said: str) -> None:
    result = run("match", *arguments, "--store", store)
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_only_some_types_can_be_matched(store: str) -> None:
    result = run("match", "-", "--store", store, input=b'{"resourceType": "Person"}')
    assert (result.exit_code, "only Patient and Organization" in result.output) == (2, True)
