"""reference and uri search."""

from typing import Any

import pytest

from fhir_mpi.fhir.outcome import InvalidValue, TooCostly
from tests.unit.search.served import custom, finds, observation_finds, patient, request

BASE = "https://mpi.example.org/fhir"
LINKED = patient(
    managingOrganization={"reference": "Organization/7", "identifier": {"system": "urn:o", "value": "7a"}},
    generalPractitioner=[
        {"reference": "Practitioner/1/_history/4"},
        {"reference": "https://other.org/fhir/Practitioner/2/_history/1"},
        {"reference": f"{BASE}/Practitioner/3"},
        {"reference": "#inside"},
    ],
    link=[{"other": {"identifier": {"value": "logical"}}, "type": "seealso"}],
    meta={"profile": ["https://example.org/P|1.0"], "source": "https://feeds.example.org/adt/in"},
)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("organization", "Organization/7", True),
        ("organization", "7", True),
        ("organization", "Patient/7", False),
        ("organization:Organization", "7", True),
        ("organization:Patient", "7", False),
        ("organization", f"{BASE}/Organization/7", True),
        ("organization", "https://other.org/fhir/Organization/7", False),
        ("organization:identifier", "urn:o|7a", True),
        ("organization:identifier", "7a", True),
        ("organization:identifier", "urn:x|7a", False),
        ("organization:missing", "false", True),
        ("general-practitioner", "Practitioner/1", True),
        ("general-practitioner", "Practitioner/1/_history/4", True),
        ("general-practitioner", "Practitioner/1/_history/5", False),
        ("general-practitioner", "1", True),
        ("general-practitioner", "2", False),
        ("general-practitioner", "https://other.org/fhir/Practitioner/2", True),
        ("general-practitioner", "https://other.org/fhir/Practitioner/2/_history/1", True),
        ("general-practitioner", "Practitioner/3", True),
        ("general-practitioner", f"{BASE}/Practitioner/3", True),
        ("link:missing", "false", True),
        ("link:identifier", "logical", True),
        ("_profile", "https://example.org/P", True),
        ("_profile", "https://example.org/P|1.0", True),
        ("_profile", "https://example.org/P|2.0", False),
        ("_source", "https://feeds.example.org/adt/in", True),
        ("_source", "https://feeds.example.org/ADT/in", False),
        ("_source:below", "https://feeds.example.org/adt", True),
        ("_source:below", "https://feeds.example.org/ad", False),
        ("_source:below", "https://feeds.example.org/adt/in", True),
        ("_source:above", "https://feeds.example.org/adt/in/x", True),
        ("_source:above", "https://feeds.example.org/adt", False),
        ("_source:above", "urn:x", False),
        ("_source:contains", "adt", True),
        ("_source:missing", "true", False),
    ],
)
def test_a_reference_or_uri_search_finds(name: str, value: str, found: bool) -> None:
    assert finds(LINKED, name, value) is found


def test_a_modifier_that_names_the_type_wants_an_id() -> None:
    with pytest.raises(InvalidValue, match="logical id"):
        request([("organization:Organization", "Organization/7")])


def test_a_path_that_is_too_deep_is_refused() -> None:
    with pytest.raises(TooCostly):
        request([("_source:above", "https://x.org" + "/a" * 40)])


@pytest.mark.parametrize(("value", "found"), [("Patient/1", True), ("Patient/2", False)])
def test_the_reference_of_a_codeable_reference_is_searched(value: str, found: bool) -> None:
    reasons: dict[str, Any] = {"reason": [{"reference": {"reference": "Patient/1"}}, {"concept": {}}, 7]}
    assert observation_finds(custom("reference", "Observation.reason"), reasons, "x", value) is found


def test_text_looks_at_the_display() -> None:
    doctor = patient(generalPractitioner=[{"display": "Dr. Ängström, Åsa"}])
    assert finds(doctor, "general-practitioner:text", "dr. ang")
    assert not finds(doctor, "general-practitioner:text", "angström")
    assert finds(doctor, "general-practitioner:missing", "false")
