"""`fhir-mpi explain`: two stored records, as text, as JSON and as a page."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.integration.cli.command import patient, run, written

Load = Callable[..., Result]
KNOWN = {"birthDate": "1980-02-29", "gender": "female"}


@pytest.fixture
def people(loaded: Load, tmp_path: Path) -> None:
    anas = [patient(id, name=[{"family": "Rivera", "given": ["Ana [Maria]"]}], **KNOWN) for id in "ab"]
    clinic = {"resourceType": "Organization", "id": "c", "name": "Clinic"}
    loaded(written(tmp_path / "people.ndjson", [*anas, patient("z", family="Xu"), clinic]))


@pytest.mark.usefixtures("people")
def test_two_records_are_explained_as_text(store_url: str) -> None:
    result = run("explain", "a", "Patient/b", "--store", store_url)
    assert result.exit_code == 0, result.output
    assert "Patient/b: how it came about" in result.output
    assert "guard uncorroborated: at most probable" in result.output
    assert "key names+birth-year: " in result.output
    apart = run("explain", "a", "z", "--store", store_url).output
    assert "graded certainly-not" in apart
    assert "$match would not find it" in apart


@pytest.mark.usefixtures("people")
def test_the_parameters_of_the_operation_can_be_printed(store_url: str) -> None:
    answer = json.loads(run("explain", "a", "b", "--json", "--store", store_url).output)
    assert answer["parameter"][0] == {"name": "grade", "valueCode": "probable"}


@pytest.mark.usefixtures("people")
def test_a_page_is_written(store_url: str, tmp_path: Path) -> None:
    file = tmp_path / "why.html"
    result = run("explain", "Organization/c", "Organization/c", "--html", file, "--store", store_url)
    assert result.output.startswith(f"{file}: ")
    page = file.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page
    assert "<svg" in page


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("pair", "said"),
    [(["a", "nobody"], "nobody is not known"), (["a", "Organization/c"], "two records of one type")],
)
def test_what_cannot_be_explained_is_one_line(store_url: str, pair: list[str], said: str) -> None:
    result = run("explain", *pair, "--store", store_url)
    assert (result.exit_code, said in result.output) == (2, True)
