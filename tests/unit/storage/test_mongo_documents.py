"""Native documents give back the bytes they were made of."""

from datetime import UTC, datetime
from typing import Any

import bson
import orjson
import pytest
from bson import Decimal128, Int64

from fhir_mpi.search.filters import IndexEntries, Interval
from fhir_mpi.storage.mongo.documents import (
    candidate_document,
    current_document,
    field_name,
    history_document,
    index_document,
    interval_rows,
    stored_version,
    text_rows,
)
from fhir_mpi.storage.port import CandidateEntry, Stored

NOW = datetime(2024, 5, 1, 12, 0, 0, 123000, tzinfo=UTC)
CODEC = bson.CodecOptions[dict[str, Any]](tz_aware=True)


def _version(data: bytes) -> Stored:
    return Stored("Patient", "p1", 3, NOW, "PUT", data)


def _through_bson(document: dict[str, Any]) -> dict[str, Any]:
    return bson.decode(bson.encode(document), CODEC)


NATIVE = [
    b'{"a":9223372036854775808}',
    b'{"a":1.00}',
    b'{"a":[0.10,-3.5,12345678901234567890.1234],"b":-7}',
    b'{"z":1,"a":{"y":null,"b":true}}',
    b'{"big":9223372036854775807,"small":-9223372036854775808}',
    '{"name":"Ångström 😀 \\"quoted\\" \\n"}'.encode(),
]
BESIDE = [
    b'{"a":1e3}',
    b'{"a":0.00000001}',
    b'{"a":-0}',
    b'{"a":1.2345678901234567890123456789012345678901}',
    b'{"a":1}\n',
    b'{ "a": 1 }',
    b'{"a":"\\u00e5"}',
]


@pytest.mark.parametrize("data", [*NATIVE, *BESIDE, b""])
@pytest.mark.parametrize("document", [lambda v: current_document(v, {}), history_document])
def test_a_version_comes_back_byte_for_byte(document: Any, data: bytes) -> None:
    version = _version(data)
    assert stored_version("Patient", _through_bson(document(version))) == version


@pytest.mark.parametrize("data", NATIVE)
def test_what_the_document_can_say_is_not_kept_twice(data: bytes) -> None:
    assert "text" not in current_document(_version(data), {})


@pytest.mark.parametrize("data", BESIDE)
def test_what_the_document_cannot_say_is_kept_beside_it(data: bytes) -> None:
    document = current_document(_version(data), {})
    assert document["text"] == data
    assert document["resource"].keys() == orjson.loads(data).keys()


def test_numbers_are_exact_in_the_document() -> None:
    resource = current_document(_version(b'{"a":1.00,"b":9223372036854775808,"c":5}'), {})["resource"]
    assert resource == {"a": Decimal128("1.00"), "b": Decimal128("9223372036854775808"), "c": 5}


def test_a_document_with_a_type_of_no_json_is_not_answered() -> None:
    document = history_document(_version(b'{"a":1}'))
    document["resource"]["a"] = bson.ObjectId()
    with pytest.raises(TypeError, match="ObjectId"):
        stored_version("Patient", document)


def test_a_deletion_holds_no_resource() -> None:
    document = current_document(_version(b""), {})
    assert (document["deleted"], document["resource"], document["ix"]) == (True, None, {})


@pytest.mark.parametrize(
    "code", ["a.b", "$ne", "%", "%2E", ".", "", "a\0b", "value-quantity:http://u.org|kg"]
)
def test_a_field_name_has_nothing_that_means_something_in_a_path(code: str) -> None:
    name = field_name(code)
    assert name
    assert not set(name) & set(".$\0")


def test_different_codes_have_different_field_names() -> None:
    codes = ["a.b", "a%2Eb", "a%252Eb", "$a", "%24a", "", "%", "%25"]
    assert len({field_name(code) for code in codes}) == len(codes)


def test_index_entries_are_fields_and_rows() -> None:
    index: IndexEntries = {"family": ["x", "y"], "birthdate": [Interval(1, 2)], "a.b": ["z"], "none": []}
    assert index_document(index) == {
        "family": ["x", "y"],
        "birthdate": [{"low": 1.0, "high": 2.0}],
        "a%2Eb": ["z"],
    }
    assert list(text_rows("p", index)) == [
        {"code": "family", "text": "x", "id": "p"},
        {"code": "family", "text": "y", "id": "p"},
        {"code": "a.b", "text": "z", "id": "p"},
    ]
    assert list(interval_rows("p", index)) == [{"code": "birthdate", "low": 1.0, "high": 2.0, "id": "p"}]


def test_candidate_keys_are_all_int64() -> None:
    document = candidate_document("p", CandidateEntry(frozenset({5, -(2**63), 2**63 - 1}), "packed"))
    assert document == {"_id": "p", "keys": [-(2**63), 5, 2**63 - 1], "packed": "packed"}
    assert {type(key) for key in document["keys"]} == {Int64}
