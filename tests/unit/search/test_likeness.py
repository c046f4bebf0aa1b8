"""The search that a resource's own values ask for."""

from typing import Any

import pytest

from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.dates import period
from fhir_mpi.search.filters import Equals, Filter, Or, Prefix, Within
from fhir_mpi.search.likeness import can_be_taken, likeness
from fhir_mpi.search.registry import SearchRegistry
from fhir_mpi.search.term import SearchContext

REGISTRY = SearchRegistry(load_definitions().search_parameters, ["Patient"])
CONTEXT = SearchContext(now_ms=0, base_url="")


def like(code: str, modifier: str = "", **elements: Any) -> Filter | None:
    patient = {"resourceType": "Patient", **elements}
    return likeness(REGISTRY.parameters("Patient")[code], modifier, patient, CONTEXT)


def test_names_ask_for_what_begins_so() -> None:
    names = [{"given": ["Peter", "James"]}, {"given": ["Peter"]}]
    assert like("given", name=names) == Or((Prefix("given", "peter"), Prefix("given", "james")))
    assert like("family", name=names) is None
    assert like("family", "exact", name=[{"family": "Döe"}]) == Equals("family", "doe\x1fDöe")


@pytest.mark.parametrize(
    ("code", "elements", "filter"),
    [
        ("identifier", {"identifier": [{"system": "urn:a", "value": "1"}]}, Equals("identifier", "urn:a|1")),
        ("identifier", {"identifier": [{"value": "a|b,c"}]}, Equals("identifier", "=a|b,c")),
        ("identifier", {"identifier": [{"system": "urn:a"}]}, None),
        ("gender", {"gender": "male"}, Equals("gender", "=male")),
        ("active", {"active": False}, Equals("active", "=false")),
        ("phone", {"telecom": [{"system": "phone", "value": "5"}]}, Equals("phone", "phone|5")),
        (
            "language",
            {"communication": [{"language": {"coding": [{"system": "urn:l", "code": "de"}]}}]},
            Equals("language", "urn:l|de"),
        ),
        (
            "general-practitioner",
            {"generalPractitioner": [{"display": "Dr. Brook"}]},
            None,
        ),
    ],
)
def test_other_values_ask_for_themselves(code: str, elements: dict[str, Any], filter: Filter | None) -> None:
    assert like(code, **elements) == filter


def test_a_date_asks_for_what_it_may_mean() -> None:
    found, (low, high) = like("birthdate", birthDate="1970-01-02"), period("1970-01-02")
    assert isinstance(found, Within)
    assert (found.low_from, found.high_to) == (low, high)


def test_a_reference_asks_for_the_same_resource() -> None:
    found = like("organization", managingOrganization={"reference": "Organization/7"})
    assert isinstance(found, Or)
    assert Equals("organization", "Organization/7") in found.parts


def test_a_column_and_several_in_one_cannot_be_taken() -> None:
    parameters = REGISTRY.parameters("Patient")
    assert can_be_taken(parameters["given"])
    assert not can_be_taken(parameters["_id"])
    assert all(not can_be_taken(p) for p in parameters.values() if p.type.name == "composite")
