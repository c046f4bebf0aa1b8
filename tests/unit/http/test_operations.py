"""Where operations can be called."""

from fhir_mpi.fhir.types import Resource
from fhir_mpi.http.operations import operation_methods, places

SERVED = ("Patient", "Person")


def test_an_operation_stands_wherever_its_definition_says() -> None:
    definition = {
        "code": "ask",
        "resource": ["Patient", "Person"],
        "system": True,
        "type": True,
        "instance": True,
    }
    assert list(places(definition, [*SERVED, "Basic"])) == [
        ("/$ask", None),
        ("/Patient/$ask", "Patient"),
        ("/Patient/{id:fhir_id}/$ask", "Patient"),
        ("/Person/$ask", "Person"),
        ("/Person/{id:fhir_id}/$ask", "Person"),
    ]


def test_an_operation_of_the_whole_system_needs_no_type() -> None:
    definition = {"code": "ask", "system": True, "type": False, "instance": False}
    assert list(places(definition, SERVED)) == [("/$ask", None)]


def test_an_operation_of_resources_stands_at_every_served_type() -> None:
    definition = {"code": "ask", "resource": ["Resource"], "system": False, "type": False, "instance": True}
    assert [type for _, type in places(definition, SERVED)] == list(SERVED)


def asking(*parameters: Resource, changes: bool = False) -> Resource:
    return {"affectsState": changes, "parameter": list(parameters)}


def test_what_changes_nothing_and_fits_a_url_can_be_read() -> None:
    one = {"name": "a", "use": "in", "min": 1, "max": "1", "type": "string"}
    whole = {"name": "b", "use": "in", "min": 0, "max": "1", "type": "Patient"}
    assert operation_methods(asking()) == ["GET", "POST"]
    assert operation_methods(asking(one, whole)) == ["GET", "POST"]
    assert operation_methods(asking({**whole, "min": 1})) == ["POST"]
    assert operation_methods(asking({**whole, "min": 1, "use": "out"})) == ["GET", "POST"]
    assert operation_methods(asking(one, changes=True)) == ["POST"]
