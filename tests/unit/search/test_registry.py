"""The registry of search parameters."""

from typing import Any

import pytest

from fhir_mpi.definitions import DefinitionError
from fhir_mpi.search.registry import REFERENCES, SearchRegistry
from tests.unit.search.served import custom, patient, registry

ID = {
    **custom("token", "Resource.id", id="Resource-id"),
    "url": "https://example.org/SearchParameter/Resource-id",
    "code": "_id",
    "base": ["Resource"],
}


PART = {"definition": "https://example.org/SearchParameter/Observation-x", "expression": "code"}


def test_a_shared_parameter_belongs_to_every_served_type() -> None:
    known = SearchRegistry([ID, custom("token", "Observation.status")], ["Observation", "Encounter"])
    assert sorted(known.parameters("Observation")) == ["_id", "x"]
    assert sorted(known.parameters("Encounter")) == ["_id"]


def test_a_parameter_says_what_a_capability_statement_needs() -> None:
    parameter = registry().parameters("Patient")["phonetic"]
    assert parameter.definition["url"] == "http://hl7.org/fhir/SearchParameter/individual-phonetic"
    assert (parameter.code, parameter.type.name, parameter.base) == ("phonetic", "string", "Patient")


@pytest.mark.parametrize(
    ("definition", "culprit"),
    [
        (custom("token", "Observation.status", base=["Observasion"]), "unknown base Observasion"),
        (
            custom("token", "Observation.status.trace('x')"),
            r"for Observation: unsupported function trace\(\)",
        ),
        (custom("token", "Patient.active"), "says nothing about Observation"),
        (custom("token", "Observation.status | Patient.name.repeat(given)"), r"repeat\(\)"),
        (custom("composite", "Observation"), "two components or more"),
        (custom("composite", "Observation", component=[PART, {"definition": "urn:no"}]), "component urn:no"),
        (custom("composite", "Observation", component=[PART, PART]), "type composite"),
        (custom("composite", "Observation", component=[PART | {"expression": "a."}] * 2), "for Observation"),
        (custom("special", "Observation.status"), "type special"),
        ({k: v for k, v in custom("token", "").items() if k != "expression"}, "no expression"),
        (custom("token", "Observation.status", code=""), "no code"),
        (custom("", "Observation.status", base=[]), "no base, type"),
    ],
)
def test_what_cannot_be_served_is_named(definition: dict[str, Any], culprit: str) -> None:
    with pytest.raises(
        DefinitionError, match=rf"https://example.org/SearchParameter/Observation-x.*{culprit}"
    ):
        SearchRegistry([definition], ["Observation"])


def test_a_code_is_not_defined_twice_for_one_type() -> None:
    other = custom("token", "Observation.code", url="https://example.org/SearchParameter/other")
    with pytest.raises(
        DefinitionError, match=r"SearchParameter/other: Observation has x from .*Observation-x already"
    ):
        SearchRegistry([custom("token", "Observation.status"), other], ["Observation"])


def test_a_definition_without_a_url_is_named_by_its_id() -> None:
    with pytest.raises(DefinitionError, match="Observation-x: no url"):
        SearchRegistry([custom("token", "Observation.status", url=None)], ["Observation"])


def test_only_resource_types_are_served() -> None:
    with pytest.raises(DefinitionError, match="Pateint"):
        SearchRegistry([], ["Patient", "Pateint"])


def test_id_and_last_updated_are_no_entries() -> None:
    found = registry().index(patient(id="1", meta={"lastUpdated": "2020-01-01T00:00:00Z", "source": "urn:s"}))
    assert found["_source"] == ["urn:s"]
    assert not found.keys() & {"_id", "_lastUpdated"}


def test_a_resource_is_left_as_it_was() -> None:
    person = patient(name=[{"family": "A", "given": [None, "B"]}])
    registry().index(person)
    assert person == patient(name=[{"family": "A", "given": [None, "B"]}])


def test_the_digest_follows_what_shapes_the_index_and_nothing_else() -> None:
    def digest(*definitions: dict[str, Any]) -> str:
        return SearchRegistry(definitions, ["Observation"]).digest("Observation")

    plain = custom("token", "Observation.status")
    assert digest(plain, ID) == digest(ID, plain)
    assert digest(plain) == digest({**plain, "description": "other words", "status": "draft"})
    others = [
        digest(custom("token", "Observation.code")),
        digest(custom("string", "Observation.status")),
        digest(custom("token", "Observation.status", processingMode="phonetic", code="x")),
        digest(plain, ID),
        digest(),
    ]
    assert len({digest(plain), *others}) == 6


def test_every_reference_is_indexed_whatever_element_it_stands_in() -> None:
    resource = {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Organization", "id": "o", "partOf": {"reference": "Organization/1"}}],
        "extension": [{"url": "http://x.example/e", "valueReference": {"reference": "Patient/2/_history/3"}}],
        "identifier": [{"value": "1", "assigner": {"reference": "https://x.example/Organization/4"}}],
        "managingOrganization": {"reference": "#o"},
        "link": [{"other": {"reference": "urn:uuid:5"}, "type": "seealso"}, {"other": {"display": "Otti"}}],
    }
    found = registry().index(resource)[REFERENCES]
    assert found == ["Organization/1", "Patient/2", "https://x.example/Organization/4"]
    assert REFERENCES not in registry().index({"resourceType": "Patient", "active": True})
