"""R4 resources said as R5."""

import copy
import json
from pathlib import Path

import pytest

from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.r4 import to_r5
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation import Validator

SYNTHEA = Path(__file__).parents[4] / "shared" / "data" / "synthea" / "synthea-r4.ndjson"
PHONE: Json = {"system": "phone", "value": "555 0100", "use": "work"}
NORTH: Json = {"line": ["1 North Road"], "city": "Arden"}
SOUTH: Json = {"line": ["2 South Road"], "city": "Belwick"}
DESK: Json = {"purpose": {"text": "admissions"}, "name": {"text": "Front desk"}}


@pytest.fixture(scope="module")
def validator() -> Validator:
    definitions = load_definitions()
    return Validator(definitions.types, definitions.profiles)


def organization(**elements: object) -> Resource:
    return {"resourceType": "Organization", "id": "o", "name": "Arden Clinic", **elements}


@pytest.mark.parametrize(
    ("given", "contact"),
    [
        ({"telecom": [PHONE]}, [{"telecom": [PHONE]}]),
        ({"address": [NORTH]}, [{"address": NORTH}]),
        ({"telecom": [PHONE], "address": [NORTH]}, [{"telecom": [PHONE], "address": NORTH}]),
        (
            {"telecom": [PHONE], "address": [NORTH, SOUTH]},
            [{"telecom": [PHONE], "address": NORTH}, {"address": SOUTH}],
        ),
        (
            {"telecom": [PHONE], "contact": [DESK]},
            [{"telecom": [PHONE]}, {"purpose": {"text": "admissions"}, "name": [{"text": "Front desk"}]}],
        ),
        ({"contact": [DESK]}, [{"purpose": {"text": "admissions"}, "name": [{"text": "Front desk"}]}]),
    ],
)
def test_an_organization_s_telecom_and_address_move_to_contact(
    validator: Validator, given: Json, contact: list[Json]
) -> None:
    converted = to_r5(organization(**given))
    assert converted == organization(contact=contact)
    assert not [i for i in validator.issues(converted) if i.severity == "error"]


def test_contact_stands_where_telecom_stood() -> None:
    given = {"resourceType": "Organization", "telecom": [PHONE], "name": "Arden Clinic", "address": [NORTH]}
    assert list(to_r5(given)) == ["resourceType", "contact", "name"]


def test_a_practitioner_s_communication_becomes_its_language(validator: Validator) -> None:
    welsh = {"coding": [{"system": "urn:ietf:bcp:47", "code": "cy"}]}
    given = {"resourceType": "Practitioner", "communication": [welsh, {"language": welsh}]}
    converted = to_r5(given)
    assert converted["communication"] == [{"language": welsh}, {"language": welsh}]
    assert not [i for i in validator.issues(converted) if i.severity == "error"]


def test_a_provenance_s_reason_becomes_its_authorization(validator: Validator) -> None:
    given = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/a"}],
        "recorded": "2024-05-01T12:00:00Z",
        "reason": [{"text": "registration"}],
        "agent": [{"who": {"display": "Front desk"}}],
    }
    converted = to_r5(given)
    assert converted["authorization"] == [{"concept": {"text": "registration"}}]
    assert "reason" not in converted
    assert not [i for i in validator.issues(converted) if i.severity == "error"]


@pytest.mark.parametrize("type", ["Patient", "Person", "Practitioner", "RelatedPerson"])
def test_the_size_of_a_photo_becomes_a_text(type: str) -> None:
    given = {"resourceType": type, "photo": [{"contentType": "image/png", "size": 12}]}
    assert to_r5(given)["photo"] == [{"contentType": "image/png", "size": "12"}]


def test_the_one_photo_of_a_person_becomes_a_list() -> None:
    given = {"resourceType": "Person", "photo": {"url": "https://clinic.invalid/p.png", "size": 3}}
    assert to_r5(given)["photo"] == [{"url": "https://clinic.invalid/p.png", "size": "3"}]


def test_contained_resources_are_converted_too() -> None:
    given = {"resourceType": "Patient", "contained": [organization(telecom=[PHONE]), 7]}
    assert to_r5(given)["contained"] == [organization(contact=[{"telecom": [PHONE]}]), 7]


@pytest.mark.parametrize(
    "same",
    [
        {"resourceType": "Patient", "name": [{"family": "Rivera"}], "photo": [{"size": "12"}]},
        {"resourceType": "Organization", "contact": [{"name": [{"text": "Desk"}], "address": NORTH}]},
        {"resourceType": "Practitioner", "communication": [{"language": {"text": "Welsh"}}]},
        {"resourceType": "Provenance", "authorization": [{"concept": {"text": "x"}}], "reason": []},
        {"resourceType": "Patient", "contained": [{"resourceType": "Patient", "id": "c"}]},
        {"resourceType": "Observation", "status": "final"},
        {"resourceType": ["Patient"]},
        {},
    ],
)
def test_r5_passes_as_the_very_same_object(same: Resource) -> None:
    assert to_r5(same) is same


@pytest.mark.parametrize(
    "broken",
    [
        organization(telecom={"value": "1"}),
        organization(address="1 North Road"),
        organization(contact=[None, 3, {"name": "desk"}]),
        {"resourceType": "Patient", "photo": 3},
        {"resourceType": "Patient", "photo": [None, {"size": True}]},
        {"resourceType": "Practitioner", "communication": {"text": "Welsh"}},
        {"resourceType": "Provenance", "reason": "because"},
        {"resourceType": "Patient", "contained": "none"},
    ],
)
def test_what_has_the_wrong_type_is_left_for_validation_to_name(broken: Resource) -> None:
    assert to_r5(broken) == broken


def test_what_was_given_is_not_changed() -> None:
    given = organization(
        telecom=[PHONE], address=[NORTH], contact=[DESK], contained=[organization(address=[SOUTH])]
    )
    before = copy.deepcopy(given)
    to_r5(given)
    assert given == before


def test_converting_twice_is_converting_once() -> None:
    once = to_r5(organization(telecom=[PHONE], contact=[DESK]))
    assert to_r5(once) is once


def test_every_synthea_resource_is_valid_r5_once_converted(validator: Validator) -> None:
    if not SYNTHEA.exists():
        pytest.skip("NOT RUN: the Synthea resources are not beside this checkout")
    seen: set[str] = set()
    for line in SYNTHEA.read_bytes().splitlines():
        converted = to_r5(json.loads(line))
        issues = [i for i in validator.issues(converted) if i.severity in ("error", "fatal")]
        assert not issues, (converted["id"], issues)
        seen.add(converted["resourceType"])
    assert seen == {"Organization", "Patient"}
