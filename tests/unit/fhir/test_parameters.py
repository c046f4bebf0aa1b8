"""Parameters, ruled by an OperationDefinition."""

from typing import Any, Final

import pytest

from fhir_mpi.fhir.outcome import FhirError, InvalidRequest, InvalidValue, MalformedBody, MissingParameter
from fhir_mpi.fhir.parameters import read_parameters, value_key
from fhir_mpi.fhir.types import Resource


def definition(*parameters: tuple[str, str, int]) -> Resource:
    found = [{"name": name, "use": "in", "type": type, "min": least} for name, type, least in parameters]
    return {
        "code": "try",
        "parameter": [*found, {"name": "return", "use": "out", "type": "Bundle", "min": 1}],
    }


TRY: Final = definition(
    ("resource", "Patient", 1),
    ("any", "Resource", 0),
    ("flag", "boolean", 0),
    ("number", "integer", 0),
    ("some", "positiveInt", 0),
    ("none", "unsignedInt", 0),
    ("who", "Identifier", 0),
    ("what", "Reference", 0),
    ("text", "string", 0),
)
PATIENT: Final = {"resourceType": "Patient"}
GIVEN: Final = {"name": "resource", "resource": PATIENT}


def call(*parts: Any) -> Resource:
    return {"resourceType": "Parameters", "parameter": list(parts)}


def test_values_come_out_by_name_with_the_type_that_is_defined() -> None:
    parts: dict[str, tuple[str, Any]] = {
        "any": ("resource", {"resourceType": "Basic"}),
        "flag": ("valueBoolean", False),
        "number": ("valueInteger", -3),
        "some": ("valuePositiveInt", 1),
        "none": ("valueUnsignedInt", 0),
        "who": ("valueIdentifier", {"value": "1"}),
        "what": ("valueReference", {"reference": "Patient/1"}),
        "text": ("valueString", "x"),
    }
    body = call(GIVEN, *({"name": name, key: value} for name, (key, value) in parts.items()))
    assert read_parameters(TRY, body) == {"resource": PATIENT, **{n: v for n, (_, v) in parts.items()}}


def test_a_part_may_have_an_id_and_extensions_and_the_whole_a_language() -> None:
    body = {**call({**GIVEN, "id": "a", "extension": [{"url": "urn:x"}]}), "id": "p", "language": "de"}
    assert read_parameters(TRY, body) == {"resource": PATIENT}


def test_a_bare_resource_is_the_one_resource_parameter() -> None:
    one = definition(("resource", "Patient", 1), ("flag", "boolean", 0))
    assert read_parameters(one, PATIENT) == {"resource": PATIENT}


@pytest.mark.parametrize(
    ("body", "error", "place"),
    [
        (PATIENT, InvalidRequest, "Parameters"),
        (call(), MissingParameter, "Parameters.parameter"),
        ({"resourceType": "Parameters"}, MissingParameter, "Parameters.parameter"),
        ({**call(GIVEN), "entry": []}, MalformedBody, "Parameters"),
        ({"resourceType": "Parameters", "parameter": GIVEN}, MalformedBody, "Parameters.parameter"),
        (call(None), MalformedBody, "Parameters.parameter[0]"),
        (call({"resource": PATIENT}), MalformedBody, "Parameters.parameter[0]"),
        (call(GIVEN, {"name": "return"}), InvalidRequest, "Parameters.parameter[1].name"),
        (call(GIVEN, GIVEN), InvalidRequest, "Parameters.parameter[1]"),
        (call({"name": "resource", "resource": []}), MalformedBody, "Parameters.parameter[0].resource"),
        (
            call({"name": "resource", "resource": {"resourceType": "Person"}}),
            InvalidRequest,
            "Parameters.parameter[0].resource.resourceType",
        ),
        (call({"name": "flag", "valueString": "x"}), InvalidRequest, "Parameters.parameter[0]"),
        (call({"name": "flag", "valueBoolean": 1}), MalformedBody, "Parameters.parameter[0].valueBoolean"),
        (
            call({"name": "number", "valueInteger": True}),
            MalformedBody,
            "Parameters.parameter[0].valueInteger",
        ),
        (
            call({"name": "some", "valuePositiveInt": 0}),
            InvalidValue,
            "Parameters.parameter[0].valuePositiveInt",
        ),
        (
            call({"name": "none", "valueUnsignedInt": -1}),
            InvalidValue,
            "Parameters.parameter[0].valueUnsignedInt",
        ),
        (
            call({"name": "who", "valueIdentifier": "x"}),
            MalformedBody,
            "Parameters.parameter[0].valueIdentifier",
        ),
        (
            call({"name": "flag", "valueBoolean": True, "valueString": "x"}),
            MalformedBody,
            "Parameters.parameter[0].valueString",
        ),
    ],
)
def test_what_is_not_as_defined_is_refused_with_its_place(
    body: Resource, error: type[FhirError], place: str
) -> None:
    with pytest.raises(error) as refused:
        read_parameters(TRY, body)
    assert refused.value.issues[0].expression == place


@pytest.mark.parametrize(
    ("type", "key"),
    [("canonical", "valueCanonical"), ("Identifier", "valueIdentifier"), ("Bundle", "resource")],
)
def test_a_type_has_its_value_key(type: str, key: str) -> None:
    assert value_key(type) == key
