"""What the server writes into a resource, and what it leaves alone."""

from decimal import Decimal

import pytest

from fhir_mpi.fhir.meta import same_content, stamped
from fhir_mpi.fhir.types import Resource


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ({"resourceType": "Patient", "active": True}, ["resourceType", "id", "meta", "active"]),
        ({"active": True, "resourceType": "Patient"}, ["resourceType", "id", "meta", "active"]),
        ({"active": True, "id": "x", "resourceType": "Patient"}, ["active", "id", "meta", "resourceType"]),
        (
            {"active": True, "meta": {}, "id": "x", "resourceType": "Patient"},
            ["active", "meta", "id", "resourceType"],
        ),
        ({"meta": {}, "resourceType": "Patient"}, ["resourceType", "id", "meta"]),
    ],
)
def test_a_stamp_has_its_place_and_the_other_keys_keep_theirs(given: Resource, keys: list[str]) -> None:
    found = stamped(given, id="a", version=3, last_updated="2026")
    assert sorted(found) == sorted(keys)
    assert [key for key in found if key in given and key != "resourceType"] == [
        key for key in given if key != "resourceType"
    ]
    assert (found["id"], found["meta"]) == ("a", {"versionId": "3", "lastUpdated": "2026"})


def test_a_stamp_keeps_the_clients_part_of_meta_and_the_given_resource() -> None:
    given = {"resourceType": "Patient", "meta": {"source": "urn:x", "versionId": "9"}}
    found = stamped(given, id="a", version=1, last_updated="2026")
    assert found["meta"] == {"source": "urn:x", "versionId": "1", "lastUpdated": "2026"}
    assert given["meta"] == {"source": "urn:x", "versionId": "9"}


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1, "meta": {"lastUpdated": "x"}}, {"a": 1, "meta": {"versionId": "2"}}, True),
        ({"a": 1, "meta": {"source": "x"}}, {"a": 1}, False),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": Decimal("1.0")}, {"a": Decimal("1.00")}, False),
        ({"a": 1}, {"a": Decimal("1.0")}, False),
    ],
)
def test_versions_are_compared_without_the_servers_own_words(
    left: Resource, right: Resource, same: bool
) -> None:
    assert same_content(left, right) is same
