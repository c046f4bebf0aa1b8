"""A difference, applied as a patch, makes the one of the other."""

from typing import Any

import pytest

from fhir_mpi.fhir.difference import difference
from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.interactions.fhirpath_patching import fhirpath_patch

NAME = {"family": "Windsor", "given": ["Peter", "James"]}
CONTACT = {"name": NAME, "relationship": [{"text": "mother"}], "telecom": [{"value": "1"}]}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
EXTENSION = {"url": "urn:e", "valueString": "e"}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"active": True},
    {"active": False, "birthDate": "1970-01-01"},
    {"birthDate": "1970-01-01", "_birthDate": {"extension": [EXTENSION]}},
    {"_birthDate": {"extension": [EXTENSION, {"url": "urn:f", "valueInteger": 1}]}},
    {"birthDate": "1970-01-01", "_birthDate": {"extension": [{"url": "urn:e", "valueCode": "e"}]}},
    {"name": [NAME]},
    {"name": [{"text": "Windsor"}, NAME]},
    {"name": [NAME, {"text": "Windsor"}]},
    {"name": [{"text": "Windsor"}]},
    {"name": [{"given": ["James"]}, {"family": "W"}]},
    {"name": [{"given": [None, "James"], "_given": [{"extension": [EXTENSION]}, None]}]},
    {"deceasedBoolean": True},
    {"deceasedDateTime": "2026-01-01", "multipleBirthInteger": 2},
    {"contact": [CONTACT]},
    {"contact": [{"telecom": [{"value": "1"}, {"value": "2"}]}, CONTACT]},
    {"text": {"status": "generated", "div": DIV}},
    {"text": {"status": "generated", "div": DIV.replace("x<", "y<")}},
    {"contained": [{"resourceType": "Organization", "id": "o", "name": "O"}], "language": "de"},
    {"contained": [{"resourceType": "Practitioner", "id": "o"}], "managingOrganization": {"reference": "#o"}},
    {"identifier": [{"system": "urn:s", "value": str(n)} for n in range(5)]},
    {"identifier": [{"system": "urn:s", "value": str(n)} for n in (0, 2, 3, 4)]},
    {"identifier": [{"system": "urn:s", "value": str(n)} for n in (9, 0, 2, 8, 4, 7, 6)]},
    {"extension": [{"url": "urn:n", "extension": [EXTENSION]}]},
]


def resource(content: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "1", **content}


@pytest.mark.parametrize("new", VARIANTS)
@pytest.mark.parametrize("old", VARIANTS)
def test_a_difference_is_a_patch_from_one_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = difference(resource(old), resource(new))
    assert fhirpath_patch(encode(found))(decode(encode(resource(old)))) == resource(new)
    assert ("parameter" in found) == (old != new)


def operations(old: dict[str, Any], new: dict[str, Any], *, meta: bool = False) -> list[list[Any]]:
    """The values of the parts of every operation."""
    found = difference(resource(old), resource(new), meta=meta).get("parameter", [])
    return [[next(v for k, v in part.items() if k != "name") for part in one["part"]] for one in found]


def test_one_element_that_came_or_went_is_told_as_that() -> None:
    five, four = VARIANTS[20], VARIANTS[21]
    assert operations(five, four) == [["delete", "Patient.identifier[1]"]]
    assert operations(four, five) == [["insert", "Patient.identifier", 1, five["identifier"][1]]]


def test_what_is_replaced_is_told_with_what_was_there() -> None:
    assert operations({"active": True}, {"active": False}) == [["replace", "Patient.active", True, False]]
    old, new = {"name": [{"given": ["Ann", "B"]}]}, {"name": [{"given": ["Anne", "B"]}]}
    assert operations(old, new) == [["replace", "Patient.name[0].given[0]", "Ann", "Anne"]]


def test_a_choice_of_another_type_is_replaced_by_the_name_that_paths_have_for_it() -> None:
    found = operations({"deceasedBoolean": True}, {"deceasedDateTime": "2026"})
    assert found == [["replace", "Patient.deceased", True, "2026"]]


def test_ids_and_unless_asked_meta_are_not_compared() -> None:
    old, new = {"meta": {"versionId": "1"}}, {"id": "2", "meta": {"versionId": "2"}}
    assert operations(old, new) == []
    assert operations(old, new, meta=True) == [["replace", "Patient.meta.versionId", "1", "2"]]
