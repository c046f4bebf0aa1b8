"""Parameters, ruled by an OperationDefinition."""

from decimal import Decimal
from typing import Any, Final

import pytest

from fhir_mpi.fhir.operation_definition import value_key
from fhir_mpi.fhir.outcome import (
    FhirError,
    InvalidRequest,
    InvalidResource,
    InvalidValue,
    MalformedBody,
    MissingParameter,
)
from fhir_mpi.fhir.parameters import read_parameters
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
        (None, MissingParameter, "http"),
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
        (call({"name": "flag", "valueBoolean": 1}), InvalidResource, "Parameters.parameter[0].valueBoolean"),
        (
            call({"name": "number", "valueInteger": True}),
            InvalidResource,
            "Parameters.parameter[0].valueInteger",
        ),
        (
            call({"name": "some", "valuePositiveInt": 0}),
            InvalidResource,
            "Parameters.parameter[0].valuePositiveInt",
        ),
        (
            call({"name": "none", "valueUnsignedInt": -1}),
            InvalidResource,
            "Parameters.parameter[0].valueUnsignedInt",
        ),
        (
            call({"name": "who", "valueIdentifier": "x"}),
            InvalidResource,
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
    body: Resource | None, error: type[FhirError], place: str
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


MANY: Final[Resource] = {
    "code": "try",
    "parameter": [
        {"name": "type", "use": "in", "min": 1, "max": "*", "type": "code"},
        {"name": "two", "use": "in", "min": 0, "max": "2", "type": "integer"},
        {"name": "since", "use": "in", "min": 0, "max": "1", "type": "instant"},
        {"name": "part", "use": "in", "min": 0, "max": "1", "type": "decimal"},
        {"name": "yes", "use": "in", "min": 0, "max": "1", "type": "boolean"},
        {"name": "text", "use": "in", "min": 0, "max": "1", "type": "string"},
        {"name": "meta", "use": "in", "min": 0, "max": "1", "type": "Meta"},
        {
            "name": "pair",
            "use": "in",
            "min": 0,
            "max": "*",
            "part": [
                {"name": "key", "use": "in", "min": 1, "max": "1", "type": "id"},
                {"name": "value", "use": "in", "min": 0, "max": "*", "type": "Coding"},
            ],
        },
    ],
}
A_TYPE: Final = {"name": "type", "valueCode": "Person"}


def test_what_may_repeat_is_a_list_even_of_one() -> None:
    body = call(A_TYPE, {"name": "type", "valueCode": "Patient"}, {"name": "two", "valueInteger": 7})
    assert read_parameters(MANY, body) == {"type": ["Person", "Patient"], "two": [7]}


def test_what_has_parts_is_a_dict_of_them() -> None:
    parts = [{"name": "key", "valueId": "a"}, {"name": "value", "valueCoding": {"code": "x"}}]
    body = call(A_TYPE, {"name": "pair", "part": parts}, {"name": "pair", "part": parts[:1]})
    assert read_parameters(MANY, body)["pair"] == [{"key": "a", "value": [{"code": "x"}]}, {"key": "a"}]


def test_texts_of_a_query_become_values_of_their_types() -> None:
    query = [
        ("type", "Person"),
        ("type", "Patient"),
        ("two", "-1"),
        ("since", "2026-01-02T03:04:05+01:00"),
        ("part", "1.50"),
        ("yes", "true"),
        ("text", " a b "),
    ]
    assert read_parameters(MANY, None, query) == {
        "type": ["Person", "Patient"],
        "two": [-1],
        "since": "2026-01-02T03:04:05+01:00",
        "part": Decimal("1.50"),
        "yes": True,
        "text": " a b ",
    }


def test_a_bare_body_can_have_parameters_beside_it_in_the_query() -> None:
    one = definition(("resource", "Patient", 1), ("flag", "boolean", 0))
    assert read_parameters(one, PATIENT, [("flag", "false")]) == {"resource": PATIENT, "flag": False}


@pytest.mark.parametrize(
    ("query", "error", "place"),
    [
        ([("type", "a"), ("else", "x")], InvalidRequest, "http"),
        ([("type", "")], InvalidValue, "http.type"),
        ([("type", "a"), ("two", "1.0")], InvalidValue, "http.two"),
        ([("type", "a"), ("two", "99999999999")], InvalidValue, "http.two"),
        ([("type", "a"), *[("two", "1")] * 3], InvalidRequest, "http.two"),
        ([("type", "a"), ("since", "2026-02-30T03:04:05Z")], InvalidValue, "http.since"),
        ([("type", "a"), ("part", "1e5")], InvalidValue, "http.part"),
        ([("type", "a"), ("yes", "yes")], InvalidValue, "http.yes"),
        ([("type", "a"), ("yes", "true"), ("yes", "true")], InvalidRequest, "http.yes"),
        ([("type", "a"), ("meta", "{}")], InvalidRequest, "http.meta"),
        ([("type", "a"), ("pair", "x")], InvalidRequest, "http.pair"),
        ([], MissingParameter, "http"),
    ],
)
def test_what_a_query_can_not_say_is_refused_with_its_name(
    query: list[tuple[str, str]], error: type[FhirError], place: str
) -> None:
    with pytest.raises(error) as refused:
        read_parameters(MANY, None, query)
    assert refused.value.issues[0].expression == place


@pytest.mark.parametrize(
    ("part", "error", "place"),
    [
        ({"name": "pair", "valueString": "x"}, InvalidRequest, "Parameters.parameter[1]"),
        ({"name": "pair", "part": {}}, MalformedBody, "Parameters.parameter[1].part"),
        ({"name": "pair", "part": [1]}, MalformedBody, "Parameters.parameter[1].part[0]"),
        ({"name": "pair", "part": []}, MissingParameter, "Parameters.parameter[1].part"),
        ({"name": "pair", "part": [{"name": "x"}]}, InvalidRequest, "Parameters.parameter[1].part[0].name"),
        (
            {"name": "meta", "valueMeta": {"tag": [{"code": 1}]}},
            InvalidResource,
            "Parameters.parameter[1].valueMeta.tag[0].code",
        ),
        (
            {"name": "since", "valueInstant": "2026-02-30T03:04:05Z"},
            InvalidResource,
            "Parameters.parameter[1].valueInstant",
        ),
        (
            {"name": "two", "valueInteger": Decimal("1.0")},
            InvalidResource,
            "Parameters.parameter[1].valueInteger",
        ),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused_where_it_stands(
    part: Resource, error: type[FhirError], place: str
) -> None:
    with pytest.raises(error) as refused:
        read_parameters(MANY, call(A_TYPE, part))
    assert refused.value.issues[0].expression == place
