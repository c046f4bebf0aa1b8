"""What is kept of a resource for a rules file to look at."""

from typing import Any

import pytest

from fhir_mpi.linkage.hapi.columns import MOST_VALUES, PART, Column, read, values_of
from fhir_mpi.linkage.record import Record, pack, unpack

JOB = {"url": "urn:job", "valueString": "baker"}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "active": False,
    "name": [{"family": "Doe", "given": ["Ann", None, "Eve"], "extension": [JOB]}, {"text": "Ann"}],
    "birthDate": "1980-01-02",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1980-01-02T03:04:05Z"}]},
    "identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:a"}, {"value": "2"}],
    "multipleBirthInteger": 2,
}


@pytest.mark.parametrize(
    ("path", "reading", "values"),
    [
        ("name.given", "text", ("Ann", "Eve")),
        ("name", "text", ()),
        ("active", "text", ("false",)),
        ("multipleBirth", "text", ("2",)),
        ("telecom.value", "text", ()),
        ("name", "name", (f"Doe{PART}Ann{PART}Eve",)),
        ("birthDate", "name", ()),
        ("identifier", "identifier", (f"urn:a{PART}1", f"{PART}2")),
        ("identifier.value", "identifier", ()),
        ("name", "presence", ("1",)),
        ("telecom", "presence", ()),
        ("name", "extensions", ('{"url":"urn:job","valueString":"baker"}',)),
        ("birthDate", "extensions", ('{"url":"urn:time","valueDateTime":"1980-01-02T03:04:05Z"}',)),
        ("name.first()", "extensions", ('{"url":"urn:job","valueString":"baker"}',)),
    ],
)
def test_a_column_holds_what_stands_at_its_path(path: str, reading: str, values: tuple[str, ...]) -> None:
    assert values_of(read([Column("Patient", path, reading)], PATIENT)[0]) == values


def test_columns_come_back_from_the_store_as_they_were() -> None:
    columns = [Column("Patient", path, "text") for path in ("telecom.value", "name.given", "photo.title")]
    record = Record("1", family=("doe",), columns=read(columns, PATIENT))
    assert unpack("1", pack(record)) == record


def test_a_control_character_is_no_separator() -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "a\x1eb\x1fc\x1dd\x1ce"}]}
    assert read([Column("Patient", "name.family", "text")], patient) == ("a b c d e",)


def test_a_column_is_bounded() -> None:
    patient = {"resourceType": "Patient", "name": [{"given": [f"n{n}" for n in range(MOST_VALUES + 9)]}]}
    (text,) = read([Column("Patient", "name.given", "text")], patient)
    assert len(values_of(text)) == MOST_VALUES
