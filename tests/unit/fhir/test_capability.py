"""The CapabilityStatement, completed from what runs."""

from typing import Any, Final

from fhir_mpi.fhir.capability import capability_statement

HEAD: Final = {
    "resourceType": "CapabilityStatement",
    "rest": [{"mode": "server", "resource": [{"type": "Patient"}, {"type": "Basic"}]}],
}
ASKED: Final = {
    "code": "ask",
    "url": "urn:ask",
    "description": "asks",
    "system": False,
    "type": True,
    "instance": False,
    "resource": ["Patient"],
}
EVERY: Final = {
    "code": "every",
    "url": "urn:every",
    "description": "all",
    "system": True,
    "type": False,
    "instance": False,
    "resource": ["Resource"],
}
ACTIVE: Final = {
    "code": "active",
    "url": "urn:active",
    "type": "token",
    "description": "is it",
    "base": ["Patient"],
}


def completed(*operations: dict[str, Any]) -> Any:
    return capability_statement(
        HEAD,
        operations=operations,
        search_parameters={"Patient": [ACTIVE]},
        base_url="http://x/fhir",
        software_version="1.2.3",
    )


def test_each_type_has_its_search_parameters_and_operations() -> None:
    patient, basic = completed(ASKED, EVERY)["rest"][0]["resource"]
    assert patient["searchParam"] == [
        {"name": "active", "definition": "urn:active", "type": "token", "documentation": "is it"}
    ]
    assert patient["operation"] == [{"name": "ask", "definition": "urn:ask", "documentation": "asks"}]
    assert basic == {"type": "Basic"}


def test_operations_of_the_whole_system_stand_beside_the_types() -> None:
    found = completed(ASKED, EVERY)["rest"][0]
    assert found["operation"] == [{"name": "every", "definition": "urn:every", "documentation": "all"}]
    assert "operation" not in completed(ASKED)["rest"][0]


def test_an_operation_on_resources_stands_at_every_type() -> None:
    patient, basic = completed({**EVERY, "instance": True})["rest"][0]["resource"]
    assert (
        patient["operation"]
        == basic["operation"]
        == [{"name": "every", "definition": "urn:every", "documentation": "all"}]
    )


def test_the_head_says_who_runs_where_and_stays_as_it_was() -> None:
    found = completed()
    assert found["software"] == {"name": "fhir_mpi", "version": "1.2.3"}
    assert found["implementation"]["url"] == "http://x/fhir"
    assert HEAD["rest"] == [{"mode": "server", "resource": [{"type": "Patient"}, {"type": "Basic"}]}]
