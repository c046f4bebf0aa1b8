"""Where operations can be called."""

from fhir_mpi.http.operations import places


def test_an_operation_stands_wherever_its_definition_says() -> None:
    definition = {
        "code": "ask",
        "resource": ["Patient", "Person"],
        "system": True,
        "type": True,
        "instance": True,
    }
    assert list(places(definition)) == [
        ("/$ask", None),
        ("/Patient/$ask", "Patient"),
        ("/Patient/{id:fhir_id}/$ask", "Patient"),
        ("/Person/$ask", "Person"),
        ("/Person/{id:fhir_id}/$ask", "Person"),
    ]


def test_an_operation_of_the_whole_system_needs_no_type() -> None:
    assert list(places({"code": "ask", "system": True, "type": False, "instance": False})) == [
        ("/$ask", None)
    ]
