"""One resource in, every problem out: tables of literals."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


VALID = {
    "bare": patient(),
    "partial dates": patient(birthDate="1980-02", deceasedDateTime="2020"),
    "null covered by an extension": patient(
        name=[{"given": ["a", None], "_given": [None, {"extension": [EXT]}]}]
    ),
    "only extensions of a list": patient(name=[{"_given": [{"extension": [EXT]}]}]),
    "extension instead of a value": patient(_birthDate={"extension": [EXT]}),
    "extension of a required primitive": patient(
        link=[{"other": {"display": "x"}, "_type": {"extension": [EXT]}}]
    ),
    "nested extension": ext(extension=[EXT]),
    "extension with a value that only has an extension": ext(_valueString={"extension": [EXT]}),
    "period with offsets": patient(
        name=[{"text": "a", "period": {"start": "2020-01-01T10:00:00+02:00", "end": "2020-01-01T09:00:00Z"}}]
    ),
    "period of one day": patient(name=[{"text": "a", "period": {"start": "2020-01-01", "end": "2020-01"}}]),
    "period with and without zone": patient(
        name=[{"text": "a", "period": {"start": "2020-01-02", "end": "2020-01-01T20:00:00-05:00"}}]
    ),
    "contained that is named": contained(
        {"resourceType": "Organization", "id": "o", "name": "x"}, managingOrganization={"reference": "#o"}
    ),
    "contained that refers to its container": contained(
        {"resourceType": "RelatedPerson", "id": "r", "patient": {"reference": "#"}}
    ),
    "contained named by one that refers to the container": contained(
        {
            "resourceType": "RelatedPerson",
            "id": "r",
            "patient": {"reference": "#"},
            "identifier": [{"value": "1", "assigner": {"reference": "#o"}}],
        },
        {"resourceType": "Organization", "id": "o", "name": "x"},
    ),
    "contained that is named by a uri": contained(
        {"resourceType": "Organization", "id": "o", "name": "x"},
        extension=[{"url": "http://example.org/e", "valueUri": "#o"}],
    ),
    "whitespace-only string": patient(name=[{"text": " \t "}]),
    "absolute and versioned references": patient(
        managingOrganization={"reference": "https://example.org/fhir/Organization/1/_history/2"},
        generalPractitioner=[
            {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
            {"reference": "Practitioner?identifier=x|1"},
        ],
    ),
    "reference with a type of its own": patient(
        managingOrganization={"type": "Organization", "display": "x"}
    ),
    "logical decimals": ext(valueDecimal=Decimal("1.00")),
    "integer as number": patient(multipleBirthInteger=2),
    "language tag": patient(language="de-Latn-DE-1996"),
    "organization": organization(
        name="x", contact=[{"telecom": [{"system": "phone", "value": "1", "use": "work"}]}]
    ),
    "observation": {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "valueInteger": 1,
    },
    "encounter": {"resourceType": "Encounter", "status": "completed", "subject": {"reference": "Patient/1"}},
    "another patient's link": patient(
        id="a", link=[{"other": {"reference": "Patient/b"}, "type": "seealso"}]
    ),
    "medication as CodeableReference": {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "medication": {"reference": {"reference": "Medication/1"}},
    },
}


@pytest.mark.parametrize("resource", VALID.values(), ids=VALID.keys())
def test_a_valid_resource_has_no_error(resource: Json) -> None:
    assert errors(resource) == set()


def test_every_problem_is_reported_at_once() -> None:
    resource = patient(
        foo=1,
        gender="m",
        birthDate="2023-02-30",
        name=[{"given": ["a", 3]}],
        telecom=[{"value": "1"}],
        active="x",
    )
    assert errors(resource) == {
        ("structure", "Patient.foo"),
        ("code-invalid", "Patient.gender"),
        ("value", "Patient.birthDate"),
        ("structure", "Patient.name[0].given[1]"),
        ("invariant", "Patient.telecom[0].system"),
        ("structure", "Patient.active"),
    }


def test_more_issues_than_are_listed_are_announced() -> None:
    issues = VALIDATOR.issues(patient(name=[{"foo": 1}] * 500))
    assert len(issues) == 201
    assert (issues[-1].code, issues[-1].expression) == ("too-costly", None)


def test_a_very_large_resource_is_given_the_first_fault_of_its_structure() -> None:
    assert len(VALIDATOR.issues(patient(name=[{"given": [1] * 1_000}] * 10))) == 1
    assert VALIDATOR.issues(patient(name=[{"given": ["x"] * 1_000}] * 10)) == []


def test_bad_practice_is_a_warning() -> None:
    issues = VALIDATOR.issues(
        patient(identifier=[{"system": "urn:x"}], maritalStatus={"coding": [{"display": "M"}]})
    )
    assert {(i.severity, i.expression) for i in issues} == {
        ("warning", "Patient.identifier[0].value"),
        ("warning", "Patient.maritalStatus.coding[0].code"),
    }


def test_issues_never_repeat_what_the_client_sent() -> None:
    resource = patient(
        **{"Kowalska 1": 1},
        gender="Kowalska",
        birthDate="Kowalska",
        name=[{"family": ["Kowalska"]}],
        id="Kowalska!",
    )
    issues = VALIDATOR.issues(resource)
    assert len(issues) == 5
    assert "Kowalska" not in str(issues)


def test_a_type_that_r5_does_not_have_stops_the_start() -> None:
    with pytest.raises(KeyError):
        Validator(["Pacient"])


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["#", "#a", "2020-01-01", "2020", "Patient/1", "a", XHTML + "x</div>", "Patient"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceType",
                    "id",
                    "url",
                    "extension",
                    "valueString",
                    "_valueCode",
                    "valuePeriod",
                    "start",
                    "end",
                    "reference",
                    "other",
                    "type",
                    "link",
                    "contact",
                    "contained",
                    "name",
                    "given",
                    "_given",
                    "meta",
                    "profile",
                    "telecom",
                    "value",
                    "system",
                    "text",
                    "div",
                    "status",
                    "use",
                    "address",
                    "period",
                    "coding",
                    "$x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(
    st.sampled_from(["Patient", "Organization"]),
    st.dictionaries(
        st.sampled_from(
            [
                "id",
                "name",
                "link",
                "contact",
                "contained",
                "extension",
                "modifierExtension",
                "meta",
                "text",
                "_birthDate",
                "birthDate",
                "telecom",
                "identifier",
                "managingOrganization",
                "qualification",
                "deceasedBoolean",
                "foo",
            ]
        ),
        _JSON,
    ),
)
def test_garbage_gives_issues_and_nothing_else(type_name: str, elements: Json) -> None:
    for issue in VALIDATOR.issues({**elements, "resourceType": type_name}):
        assert issue.code
        assert issue.text
        assert issue.expression is None or issue.expression.startswith(type_name)
