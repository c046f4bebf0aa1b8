"""Errors and the OperationOutcome that says them."""

import re

import pytest

from fhir_mpi.fhir import outcome
from fhir_mpi.fhir.outcome import FhirError, InvalidResource, Issue, operation_outcome

KINDS = [
    found
    for found in vars(outcome).values()
    if isinstance(found, type) and issubclass(found, FhirError) and found is not FhirError
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_draws_every_error_as_it_is(kind: type[FhirError]) -> None:
    drawn = re.search(rf"^ +{kind.__name__} +(\d+) (?:\(422\)|([\w-]+))", outcome.__doc__ or "", re.MULTILINE)
    assert drawn is not None
    assert (int(drawn[1]), drawn[2] or "invalid") == (kind.status, kind.code)


def test_the_docstring_draws_the_family_as_it_is_and_nobody_else() -> None:
    parents = ["FhirError"]
    drawn: dict[str, str] = {}
    for indent, name in re.findall(r"^( {6,})([A-Z]\w+) +\d{3} ", outcome.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 2 - 2
        parents[depth:] = [name]
        drawn[name] = parents[depth - 1]
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in KINDS}


def test_an_error_is_one_issue_with_its_code_and_place() -> None:
    error = outcome.InvalidValue("not a date", expression="Patient.birthDate")
    assert error.issues == (Issue("value", "not a date", "Patient.birthDate"),)
    assert (error.http_status, str(error)) == (400, "not a date")


@pytest.mark.parametrize(
    ("issues", "status"),
    [
        ([Issue("structure", "a")], 400),
        ([Issue("extension", "a")], 422),
        ([Issue("extension", "a"), Issue("business-rule", "b")], 422),
        ([Issue("extension", "a"), Issue("structure", "b")], 400),
        ([Issue("extension", "a"), Issue("structure", "b", severity="warning")], 422),
    ],
)
def test_only_broken_profile_rules_are_unprocessable(issues: list[Issue], status: int) -> None:
    assert InvalidResource(issues).http_status == status


def test_an_outcome_says_every_issue_in_order() -> None:
    found = operation_outcome([Issue("value", "a", "Patient.active"), Issue("x", "b", severity="warning")])
    assert found == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "value",
                "details": {"text": "a"},
                "diagnostics": "a",
                "expression": ["Patient.active"],
            },
            {"severity": "warning", "code": "x", "details": {"text": "b"}, "diagnostics": "b"},
        ],
    }
