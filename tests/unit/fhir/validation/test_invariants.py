"""Invariants: each fault with its code and place."""

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
    # B23 and the other invariants
    "ele-1": (patient(maritalStatus={"id": "a"}), "invariant", "Patient.maritalStatus"),
    "ext-1, both": (ext(valueString="a", extension=[EXT]), "invariant", "Patient.extension[0]"),
    "ext-1, neither": (ext(), "invariant", "Patient.extension[0]"),
    "pat-1": (patient(contact=[{"gender": "male"}]), "invariant", "Patient.contact[0]"),
    "org-1": (organization(active=True), "invariant", "Organization"),
    "org-3": (
        organization(name="x", contact=[{"telecom": [{"system": "phone", "value": "1", "use": "home"}]}]),
        "invariant",
        "Organization.contact[0]",
    ),
    "org-4": (
        organization(name="x", contact=[{"address": {"text": "a", "use": "home"}}]),
        "invariant",
        "Organization.contact[0]",
    ),
    "per-1": (
        patient(name=[{"text": "a", "period": {"start": "2020-02", "end": "2020-01-31"}}]),
        "invariant",
        "Patient.name[0].period.end",
    ),
    "per-1 by the offset": (
        patient(
            name=[
                {"text": "a", "period": {"start": "2020-01-01T10:00:00Z", "end": "2020-01-01T11:00:00+02:00"}}
            ]
        ),
        "invariant",
        "Patient.name[0].period.end",
    ),
    "cpt-2": (patient(telecom=[{"value": "1"}]), "invariant", "Patient.telecom[0].system"),
    "ref-1": (
        patient(managingOrganization={"reference": "#x"}),
        "invariant",
        "Patient.managingOrganization.reference",
    ),
    "ref-1, own container": (
        patient(generalPractitioner=refers("#")),
        "invariant",
        "Patient.generalPractitioner[0].reference",
    ),
    "ref-2": (
        patient(managingOrganization={"type": "Organization"}),
        "invariant",
        "Patient.managingOrganization",
    ),
    "att-1": (patient(photo=[{"data": "aGk="}]), "invariant", "Patient.photo[0].contentType"),
    "qty-3": (ext(valueQuantity={"code": "cm"}), "invariant", "Patient.extension[0].valueQuantity.system"),
    "qty-3 of an Age": (ext(valueAge={"code": "a"}), "invariant", "Patient.extension[0].valueAge.system"),
    "link to itself": (
        patient(id="a", link=[{"other": {"reference": "Patient/a"}, "type": "replaced-by"}]),
        "invariant",
        "Patient.link[0].other",
    ),
    "dom-2": (
        contained(
            {"resourceType": "Practitioner", "id": "p", "contained": [{"resourceType": "Patient"}]},
            generalPractitioner=refers("#p"),
        ),
        "invariant",
        "Patient.contained[0]",
    ),
    "dom-3": (contained({"resourceType": "Practitioner", "id": "p"}), "invariant", "Patient.contained[0]"),
    "dom-3, only itself": (
        contained(
            {
                "resourceType": "Patient",
                "id": "p",
                "link": [{"type": "seealso", "other": {"reference": "#p"}}],
            }
        ),
        "invariant",
        "Patient.contained[0]",
    ),
    "dom-4": (
        contained(
            {"resourceType": "Practitioner", "id": "p", "meta": {"versionId": "1"}},
            generalPractitioner=refers("#p"),
        ),
        "invariant",
        "Patient.contained[0]",
    ),
    "dom-5": (
        contained(
            {"resourceType": "Practitioner", "id": "p", "meta": {"security": [{"code": "R"}]}},
            generalPractitioner=refers("#p"),
        ),
        "invariant",
        "Patient.contained[0]",
    ),
    "contained without id": (
        contained({"resourceType": "Practitioner"}),
        "invariant",
        "Patient.contained[0]",
    ),
    "contained id twice": (
        contained(
            {"resourceType": "Practitioner", "id": "p"},
            {"resourceType": "Practitioner", "id": "p"},
            generalPractitioner=refers("#p"),
        ),
        "invariant",
        "Patient.contained[1].id",
    ),
    "contained of an unknown type": (
        contained({"resourceType": "Person2", "id": "p"}, generalPractitioner=refers("#p")),
        "invalid",
        "Patient.contained[0].resourceType",
    ),
    "contained without a type": (
        contained({"id": "p"}, generalPractitioner=refers("#p")),
        "invalid",
        "Patient.contained[0].resourceType",
    ),
    "contained that is no object": (patient(contained=[1]), "structure", "Patient.contained[0]"),
    "structure inside contained": (
        contained({"resourceType": "Practitioner", "id": "p", "foo": 1}, generalPractitioner=refers("#p")),
        "structure",
        "Patient.contained[0].foo",
    ),
}


@pytest.mark.parametrize(("resource", "code", "expression"), INVALID.values(), ids=INVALID.keys())
def test_one_fault_is_one_issue_with_its_place(resource: Json, code: str, expression: str) -> None:
    assert errors(resource) == {(code, expression)}
