"""_include and _revinclude as values."""

import pytest

from fhir_mpi.search.filters import Equals, Or
from fhir_mpi.search.includes import Include, include, references, referring
from tests.unit.search.served import patient, registry

BASE = "https://mpi.example.org/fhir"
PARAMETERS = {type: registry().parameters(type) for type in ("Patient", "Organization", "Provenance")}


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("_include", "Patient:link", Include("Patient", "link", None, False, False)),
        ("_include", "Patient:link:Patient", Include("Patient", "link", "Patient", False, False)),
        ("_include:iterate", "Patient:*", Include("Patient", None, None, False, True)),
        ("_revinclude:recurse", "*", Include(None, None, None, True, True)),
    ],
)
def test_an_include_is_read(name: str, value: str, read: Include) -> None:
    assert include(name, value, PARAMETERS) == read


def test_references_of_this_server_are_followed_and_no_others() -> None:
    texts = [
        "Organization/1",
        f"{BASE}/Organization/2/_history/3",
        "https://x.example/Organization/4",
        "#o",
        "urn:uuid:5",
    ]
    follow = Include("Patient", "general-practitioner", None, False, False)
    given = patient(generalPractitioner=[*({"reference": text} for text in texts), {"display": "Dr. Ott"}])
    found = references(follow, given, PARAMETERS["Patient"], BASE)
    assert list(found) == [("Organization", "1"), ("Organization", "2")]


def test_who_refers_is_asked_for_by_both_spellings() -> None:
    follow = Include("Provenance", "target", "Patient", True, False)
    found = referring(follow, [("Patient", "1"), ("Organization", "2")], PARAMETERS["Provenance"], BASE)
    assert found == Or((Equals("target", "Patient/1"), Equals("target", f"{BASE}/Patient/1")))
    assert referring(follow, [("Organization", "2")], PARAMETERS["Provenance"], BASE) is None
    assert referring(follow, [("Patient", "1")], PARAMETERS["Organization"], BASE) is None
