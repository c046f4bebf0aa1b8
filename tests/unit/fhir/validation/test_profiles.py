"""Our own profiles: extensions by url, resources by meta.profile."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_mpi.fhir.outcome import InvalidResource
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation import Validator

COLOUR = "http://example.org/StructureDefinition/colour"
WORKING = "http://example.org/StructureDefinition/working"
CITIZEN = "http://example.org/StructureDefinition/citizen"
DOUBT = "http://example.org/StructureDefinition/doubt"


def definition(url: str, type_name: str, *elements: Json, **more: Any) -> Json:
    rows = [{"path": element.get("id", "").split(":")[0], **element} for element in elements]
    return {"url": url, "type": type_name, "differential": {"element": rows}, **more}


PROFILES = [
    definition(
        COLOUR,
        "Extension",
        {"id": "Extension", "short": "a colour"},
        {"id": "Extension.url", "fixedUri": COLOUR},
        {"id": "Extension.value[x]", "min": 1, "type": [{"code": "code"}, {"code": "Coding"}]},
        context=[{"type": "element", "expression": at} for at in ("Patient.name", "Person")],
    ),
    definition(
        DOUBT,
        "Extension",
        {"id": "Extension", "isModifier": True, "isModifierReason": "reverses the meaning"},
        {"id": "Extension.value[x]", "type": [{"code": "boolean"}]},
    ),
    definition(
        WORKING,
        "Extension",
        {"id": "Extension.extension:weight", "min": 1, "max": "1"},
        {"id": "Extension.extension:weight.url", "fixedUri": "weight"},
        {"id": "Extension.extension:weight.value[x]", "min": 1, "type": [{"code": "decimal"}]},
        {"id": "Extension.extension:step", "max": "2"},
        {"id": "Extension.extension:step.extension:name", "min": 1, "max": "1"},
        {"id": "Extension.extension:step.extension:name.value[x]", "type": [{"code": "string"}]},
        {"id": "Extension.extension:step.value[x]", "max": "0"},
        {"id": "Extension.value[x]", "max": "0"},
        context=[{"type": "element", "expression": "Element"}],
    ),
    definition(
        CITIZEN,
        "Patient",
        {"id": "Patient"},
        {"id": "Patient.identifier", "min": 1, "max": "2"},
        {"id": "Patient.identifier.system", "min": 1},
        {"id": "Patient.active", "fixedBoolean": True},
        {"id": "Patient.maritalStatus", "patternCodeableConcept": {"coding": [{"system": "urn:m"}]}},
        {"id": "Patient.deceased[x]", "max": "0"},
        {
            "id": "Patient.extension:colour",
            "path": "Patient.extension",
            "sliceName": "doubt",
            "max": "1",
            "type": [{"code": "Extension", "profile": [DOUBT]}],
        },
    ),
]  # fmt: skip
VALIDATOR = Validator(["Patient", "Person"], PROFILES)


def broken(resource: Json) -> set[str | None]:
    issues = [issue for issue in VALIDATOR.issues(resource) if issue.severity == "error"]
    assert all(i.code == "business-rule" for i in issues), issues
    return {i.expression for i in issues}


def named(*extensions: Json) -> Json:
    return {"resourceType": "Patient", "name": [{"text": "x", "extension": list(extensions)}]}


def working(*parts: Json, **more: Any) -> Json:
    return named({"url": WORKING, "extension": list(parts), **more})


WEIGHT = {"url": "weight", "valueDecimal": Decimal("1.5")}
STEP = {"url": "step", "extension": [{"url": "name", "valueString": "x"}]}
AT = "Patient.name[0].extension[0]"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (named({"url": COLOUR, "valueCode": "red"}), set()),
        (named({"url": COLOUR, "valueCoding": {"code": "red"}}), set()),
        (named({"url": COLOUR, "valueString": "red"}), {f"{AT}.value[x]"}),
        (named({"url": "http://example.org/other", "valueString": "red"}), set()),
        (
            {"resourceType": "Patient", "extension": [{"url": COLOUR, "valueCode": "red"}]},
            {"Patient.extension[0]"},
        ),
        ({"resourceType": "Person", "extension": [{"url": COLOUR, "valueCode": "red"}]}, set()),
        (
            {"resourceType": "Patient", "_birthDate": {"extension": [{"url": COLOUR, "valueCode": "x"}]}},
            {"Patient._birthDate.extension[0]"},
        ),
        (working(WEIGHT), set()),
        (working(WEIGHT, STEP, STEP), set()),
        (working(WEIGHT, STEP, STEP, STEP), {f"{AT}.extension"}),
        (working(STEP), {f"{AT}.extension"}),
        (working(WEIGHT, WEIGHT), {f"{AT}.extension"}),
        (working({"url": "weight", "valueString": "1"}), {f"{AT}.extension[0].value[x]"}),
        (working(WEIGHT, {"url": "other", "valueString": "1"}), {f"{AT}.extension[1]"}),
        (working(WEIGHT, {"url": "http://example.org/x", "valueString": "1"}), set()),
        (
            working(WEIGHT, {"url": "step", "extension": [{"url": "name", "valueCode": "x"}]}),
            {f"{AT}.extension[1].extension[0].value[x]"},
        ),
        (named({"url": WORKING, "valueString": "x"}), {f"{AT}.value[x]", f"{AT}.extension"}),
    ],
)
def test_an_extension_of_ours_is_held_against_its_definition(resource: Json, expected: set[str]) -> None:
    assert broken(resource) == expected


def citizen(**elements: Any) -> Json:
    rows = {"identifier": [{"system": "urn:a", "value": "1"}], **elements}
    return {"resourceType": "Patient", "meta": {"profile": [f"{CITIZEN}|1.0"]}, **rows}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (citizen(), set()),
        (citizen(active=True, maritalStatus={"coding": [{"code": "M"}, {"system": "urn:m"}]}), set()),
        (citizen(active=False), {"Patient.active"}),
        (citizen(maritalStatus={"coding": [{"system": "urn:x", "code": "M"}]}), {"Patient.maritalStatus"}),
        (citizen(maritalStatus={"text": "M"}), {"Patient.maritalStatus"}),
        (citizen(deceasedBoolean=False), {"Patient.deceased[x]"}),
        (citizen(identifier=[{"value": "1"}]), {"Patient.identifier[0].system"}),
        (citizen(identifier=[{"system": "urn:a", "value": "1"}] * 3), {"Patient.identifier"}),
        ({"resourceType": "Patient", "meta": {"profile": [CITIZEN]}}, {"Patient.identifier"}),
        (citizen(extension=[{"url": DOUBT, "valueBoolean": True}] * 2), {"Patient.extension"}),
        (citizen(extension=[{"url": DOUBT, "valueBoolean": True}]), set()),
        ({"resourceType": "Person", "meta": {"profile": [CITIZEN]}}, {"Person.meta.profile"}),
        ({"resourceType": "Patient", "meta": {"profile": ["http://example.org/unknown"]}}, set()),
        ({"resourceType": "Patient"}, set()),
    ],
)
def test_a_resource_is_held_against_the_profiles_it_claims(resource: Json, expected: set[str]) -> None:
    assert broken(resource) == expected


def test_a_modifier_extension_of_ours_is_known() -> None:
    resource = {"resourceType": "Patient", "modifierExtension": [{"url": DOUBT, "valueBoolean": True}]}
    assert VALIDATOR.issues(resource) == []
    resource = {"resourceType": "Patient", "modifierExtension": [{"url": COLOUR, "valueCode": "x"}]}
    assert {i.code for i in VALIDATOR.issues(resource)} == {"extension", "business-rule"}


def test_only_profile_rules_broken_is_422() -> None:
    assert InvalidResource(VALIDATOR.issues(citizen(active=False))).http_status == 422
    assert InvalidResource(VALIDATOR.issues(citizen(active=False, foo=1))).http_status == 400


@pytest.mark.parametrize(
    "element",
    [
        {"id": "Patient.name:official", "sliceName": "official"},
        {"id": "Patient.name", "sliceName": "official"},
        {"id": "Patient.name:a/b", "sliceName": "a/b"},
        {"id": "Patient.gender", "binding": {"strength": "required"}},
        {"id": "Patient", "constraint": [{"key": "x-1"}]},
        {"id": "Patient.surname", "min": 1},
        {"id": "Person.name", "min": 1},
        {"path": "Patient.name", "min": 1},
        {"id": "Patient.deceased[x]", "type": [{"code": "Age"}]},
        {"id": "Patient.name", "slicing": {"ordered": True, "rules": "open"}},
        {"id": "Patient.name", "slicing": {"rules": "openAtEnd"}},
        {"id": "Patient.name", "type": [{"code": "HumanName", "profile": ["urn:x"]}]},
        {"id": "Patient.managingOrganization", "type": [{"code": "Reference", "targetProfile": ["urn:x"]}]},
    ],
)
def test_a_profile_that_says_more_than_is_checked_stops_the_start(element: Json) -> None:
    with pytest.raises(ValueError, match=CITIZEN):
        Validator([], [definition(CITIZEN, "Patient", element)])


def test_a_binding_that_binds_nothing_is_accepted() -> None:
    Validator(
        [], [definition(CITIZEN, "Patient", {"id": "Patient.gender", "binding": {"strength": "example"}})]
    )
