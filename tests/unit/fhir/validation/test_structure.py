"""Structure, values, codes, references and costs: each fault with its code and place."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation import Validator

VALIDATOR = Validator(["Patient", "Organization"])
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'
EXT = {"url": "http://example.org/e", "valueString": "x"}


def errors(resource: Json) -> set[tuple[str, str | None]]:
    return {(i.code, i.expression) for i in VALIDATOR.issues(resource) if i.severity == "error"}


def patient(**elements: Any) -> Json:
    return {"resourceType": "Patient", **elements}


def organization(**elements: Any) -> Json:
    return {"resourceType": "Organization", **elements}


def contained(*inner: Json, **elements: Any) -> Json:
    return patient(contained=list(inner), **elements)


def refers(to: str) -> list[Json]:
    return [{"reference": to}]


def ext(**value: Any) -> Json:
    return patient(extension=[{"url": "http://example.org/e", **value}])


INVALID: dict[str, tuple[Json, str, str]] = {
    # B09
    "no resourceType": ({}, "invalid", "Resource.resourceType"),
    "unknown resourceType": ({"resourceType": "Person2"}, "invalid", "Resource.resourceType"),
    "resourceType of a wrong kind": ({"resourceType": []}, "invalid", "Resource.resourceType"),
    "abstract resourceType": ({"resourceType": "DomainResource"}, "invalid", "Resource.resourceType"),
    # B11
    "unknown element": (patient(foo=1), "structure", "Patient.foo"),
    "unknown element inside": (patient(name=[{"foo": 1}]), "structure", "Patient.name[0].foo"),
    "underscore of a complex element": (patient(_name=[]), "structure", "Patient._name"),
    "R4 telecom of an organization": (
        organization(name="x", telecom=[{"system": "phone", "value": "1"}]),
        "structure",
        "Organization.telecom",
    ),
    # B12
    "string for a boolean": (patient(active="true"), "structure", "Patient.active"),
    "number for a boolean": (patient(active=1), "structure", "Patient.active"),
    "string for an integer": (patient(multipleBirthInteger="2"), "structure", "Patient.multipleBirthInteger"),
    "number for a string": (patient(name=[{"family": 1}]), "structure", "Patient.name[0].family"),
    "object for a list": (patient(name={"text": "a"}), "structure", "Patient.name"),
    "list for an object": (patient(maritalStatus=[{"text": "a"}]), "structure", "Patient.maritalStatus"),
    "null": (patient(birthDate=None), "structure", "Patient.birthDate"),
    "null in a list of elements": (patient(name=[None]), "structure", "Patient.name[0]"),
    "empty list": (patient(name=[]), "structure", "Patient.name"),
    "empty element": (patient(name=[{}]), "structure", "Patient.name[0]"),
    "missing element": (patient(link=[{"type": "refer"}]), "structure", "Patient.link[0].other"),
    "missing primitive": (patient(link=[{"other": {"display": "x"}}]), "structure", "Patient.link[0].type"),
    "period of no dates": (
        patient(name=[{"text": "a", "period": {"start": "x", "end": "2020"}}]),
        "value",
        "Patient.name[0].period.start",
    ),
    "missing choice of types": (
        ext(valueUsageContext={"code": {"code": "a"}}),
        "structure",
        "Patient.extension[0].valueUsageContext.value[x]",
    ),
    "string for a list of primitives": (
        patient(name=[{"given": "a", "_given": [None]}]),
        "structure",
        "Patient.name[0].given",
    ),
    "string for a list of extensions": (
        patient(name=[{"given": ["a"], "_given": "b"}]),
        "structure",
        "Patient.name[0]._given",
    ),
    "string for a reference": (
        patient(managingOrganization="a"),
        "structure",
        "Patient.managingOrganization",
    ),
    "string for an extension": (patient(extension=["a"]), "structure", "Patient.extension[0]"),
    "string for a modifier extension": (
        patient(modifierExtension=["a"]),
        "structure",
        "Patient.modifierExtension[0]",
    ),
    "string for a resource": (
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": "a"}]},
        "structure",
        "Bundle.entry[0].resource",
    ),
    "decimal for an integer": (
        patient(multipleBirthInteger=Decimal("2.0")),
        "structure",
        "Patient.multipleBirthInteger",
    ),
    "two of a choice": (
        patient(deceasedBoolean=True, deceasedDateTime="2020"),
        "structure",
        "Patient.deceased[x]",
    ),
    "two of a choice, one by its extension": (
        patient(deceasedBoolean=True, _deceasedDateTime={"extension": [EXT]}),
        "structure",
        "Patient.deceased[x]",
    ),
    "two values of an extension": (
        ext(valueString="a", valueCode="b"),
        "structure",
        "Patient.extension[0].value[x]",
    ),
    # B13
    "unknown gender": (patient(gender="m"), "code-invalid", "Patient.gender"),
    "unknown link type": (
        patient(link=[{"type": "is", "other": {"display": "x"}}]),
        "code-invalid",
        "Patient.link[0].type",
    ),
    "unknown use": (patient(name=[{"text": "x", "use": "Official"}]), "code-invalid", "Patient.name[0].use"),
    # B18
    "no real day": (patient(birthDate="2023-02-30"), "value", "Patient.birthDate"),
    "year zero": (patient(birthDate="0000"), "value", "Patient.birthDate"),
    "61 minutes": (patient(deceasedDateTime="2023-02-03T24:61:00Z"), "value", "Patient.deceasedDateTime"),
    "time without zone": (
        patient(deceasedDateTime="2023-02-03T10:00:00"),
        "value",
        "Patient.deceasedDateTime",
    ),
    "date with a line end": (patient(birthDate="2023-02-03\n"), "value", "Patient.birthDate"),
    "instant that is a day": (
        patient(meta={"lastUpdated": "2023-01-01"}),
        "value",
        "Patient.meta.lastUpdated",
    ),
    "time of day in a list": (
        ext(valueTiming={"repeat": {"timeOfDay": ["10:00:00", "25:00:00"]}}),
        "value",
        "Patient.extension[0].valueTiming.repeat.timeOfDay[1]",
    ),
    "id with an underscore": (patient(id="a_b"), "value", "Patient.id"),
    "id with a line end": (patient(id="a\n"), "value", "Patient.id"),
    "id that is too long": (patient(id="a" * 65), "value", "Patient.id"),
    "uri with a blank": (
        patient(identifier=[{"system": "a b", "value": "1"}]),
        "value",
        "Patient.identifier[0].system",
    ),
    "code with two blanks": (ext(valueCode="a  b"), "value", "Patient.extension[0].valueCode"),
    "base64 that is none": (
        patient(photo=[{"data": "a", "contentType": "image/png"}]),
        "value",
        "Patient.photo[0].data",
    ),
    "positiveInt of zero": (
        patient(telecom=[{"system": "phone", "value": "1", "rank": 0}]),
        "value",
        "Patient.telecom[0].rank",
    ),
    "integer of 33 bits": (patient(multipleBirthInteger=2**31), "value", "Patient.multipleBirthInteger"),
    "empty string": (patient(name=[{"family": ""}]), "value", "Patient.name[0].family"),
    "language with an underscore": (patient(language="de_DE"), "value", "Patient.language"),
    "uuid in capitals": (
        ext(valueUuid="urn:uuid:0C3151BD-1CBF-4D64-B04D-CD9187A4C6E0"),
        "value",
        "Patient.extension[0].valueUuid",
    ),
    # B20
    "lists of different length": (
        patient(name=[{"given": ["a"], "_given": [None, {"extension": [EXT]}]}]),
        "structure",
        "Patient.name[0]._given",
    ),
    "null without extensions": (patient(name=[{"given": ["a", None]}]), "structure", "Patient.name[0].given"),
    "null on both sides": (
        patient(name=[{"given": ["a", None], "_given": [{"extension": [EXT]}, None]}]),
        "structure",
        "Patient.name[0]._given[1]",
    ),
    "null extension of nothing": (
        patient(name=[{"_given": [{"extension": [EXT]}, None]}]),
        "structure",
        "Patient.name[0]._given[1]",
    ),
    "list beside one primitive": (
        patient(birthDate="1980", _birthDate=[]),
        "structure",
        "Patient._birthDate",
    ),
    "unknown element beside a primitive": (
        patient(name=[{"_given": [{"foo": 1}]}]),
        "structure",
        "Patient.name[0]._given[0].foo",
    ),
    # B21
    "script": (
        patient(text={"status": "generated", "div": XHTML + "<script>1</script></div>"}),
        "invalid",
        "Patient.text.div",
    ),
    # B22
    "unknown modifier extension": (
        patient(modifierExtension=[EXT]),
        "extension",
        "Patient.modifierExtension[0]",
    ),
    "unknown modifier extension inside": (
        patient(contact=[{"name": {"text": "x"}, "modifierExtension": [EXT]}]),
        "extension",
        "Patient.contact[0].modifierExtension[0]",
    ),
    # reference targets
    "wrong target": (
        patient(managingOrganization={"reference": "Practitioner/1"}),
        "structure",
        "Patient.managingOrganization",
    ),
    "wrong absolute target": (
        patient(generalPractitioner=refers("http://example.org/Patient/1/_history/1")),
        "structure",
        "Patient.generalPractitioner[0]",
    ),
    "wrong contained target": (
        contained({"resourceType": "Practitioner", "id": "p"}, managingOrganization={"reference": "#p"}),
        "structure",
        "Patient.managingOrganization",
    ),
    "wrong stated target": (
        patient(managingOrganization={"type": "Patient", "display": "x"}),
        "structure",
        "Patient.managingOrganization",
    ),
    "wrong target of a CodeableReference": (
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/1"},
            "medication": {"reference": {"reference": "Patient/1"}},
        },
        "structure",
        "MedicationRequest.medication.reference",
    ),
    # resources in resources
    "a Bundle's entry": (
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(birthDate="x")}]},
        "value",
        "Bundle.entry[0].resource.birthDate",
    ),
    "a parameter": (
        {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient(foo=1)}]},
        "structure",
        "Parameters.parameter[0].resource.foo",
    ),
    # B24
    "10,000 identifiers": (patient(identifier=[{"value": "1"}] * 10_000), "too-costly", "Patient.identifier"),
    "5,000 names": (patient(name=[{"text": "x"}] * 5_000), "too-costly", "Patient.name"),
    "1,001 given names": (patient(name=[{"given": ["x"] * 1_001}]), "too-costly", "Patient.name[0].given"),
    "a long list in an unknown place": (patient(foo=[1] * 1_001), "too-costly", "Patient.foo"),
    "10,001 entries": (
        {"resourceType": "Bundle", "type": "batch", "entry": [{"fullUrl": "urn:x"}] * 10_001},
        "too-costly",
        "Bundle.entry",
    ),
}


@pytest.mark.parametrize(("resource", "code", "expression"), INVALID.values(), ids=INVALID.keys())
def test_one_fault_is_one_issue_with_its_place(resource: Json, code: str, expression: str) -> None:
    assert errors(resource) == {(code, expression)}


@pytest.mark.parametrize("resource", [fault[0] for fault in INVALID.values()], ids=INVALID.keys())
def test_a_text_begins_small_and_ends_without_a_stop(resource: Json) -> None:
    for issue in VALIDATOR.issues(resource):
        assert issue.text[0].islower()
        assert not issue.text.endswith(".")


def test_a_wrong_code_is_answered_with_the_right_ones() -> None:
    [issue] = VALIDATOR.issues(patient(gender="Female"))
    assert issue.text == "the code must be one of female, male, other, unknown"


def test_of_a_long_value_set_no_code_is_listed() -> None:
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "5"}
    found = {issue.expression: issue.text for issue in VALIDATOR.issues(statement)}
    assert found["CapabilityStatement.fhirVersion"] == "the code is not in the required value set"
