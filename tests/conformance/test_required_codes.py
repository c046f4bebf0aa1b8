"""Required bindings: what we hold against a code is what R5's value sets say."""

import json
from pathlib import Path

import pytest

from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.validation import Element, Validator, children

CODES = Path(__file__).parents[2].parent / "shared" / "data" / "r5" / "required-codes.json"


def element(path: str) -> Element:
    type_name, *steps, last = path.split(".")
    for step in steps:
        type_name = children(type_name)[step].type
    return children(type_name)[last]


def test_every_required_code_is_that_of_its_value_set() -> None:
    if not CODES.exists():
        pytest.skip("the shared data are not here: required-codes.json")
    checked = 0
    for value_set in json.loads(CODES.read_text()).values():
        expected = None if value_set["codes"] is None else frozenset(value_set["codes"])
        for path in value_set["elements"]:
            assert element(path).codes == expected, path
            checked += 1
    assert checked >= 106


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("Task.status", "in-progress"),
        ("Bundle.entry.search.mode", "outcome"),
        ("ElementDefinition.slicing.discriminator.type", "position"),
        ("OperationOutcome.issue.code", "code-invalid"),
        ("AuditEvent.action", "E"),
        ("Quantity.comparator", ">="),
        ("Timing.repeat.when", "MORN.early"),
        ("Bundle.link.relation", "next"),
        ("CapabilityStatement.rest.resource.type", "Patient"),
    ],
)
def test_the_lists_the_metadata_has_wrong_are_put_right(path: str, code: str) -> None:
    codes = element(path).codes
    assert codes is not None
    assert code in codes
    assert "+" not in codes


@pytest.mark.parametrize("path", ["Expression.language", "CapabilityStatement.format", "Patient.language"])
def test_an_open_list_stays_open(path: str) -> None:
    assert element(path).codes is None


def test_every_type_of_r5_can_be_validated() -> None:
    assert len(RESOURCE_TYPES) == 158
    assert {"Patient", "Encounter", "Observation", "Parameters", "Binary"} <= RESOURCE_TYPES
    assert not {"Resource", "DomainResource", "HumanName"} & RESOURCE_TYPES
    validator = Validator([])
    for name in sorted(RESOURCE_TYPES):
        issues = validator.issues({"resourceType": name, "noSuchElement": 1})
        assert ("structure", f"{name}.noSuchElement") in {(i.code, i.expression) for i in issues}
