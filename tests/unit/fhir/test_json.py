"""Strict decoding and exact encoding."""

import json
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mpi.fhir.json import MAX_STRING, decode, decode_array, encode
from fhir_mpi.fhir.outcome import FhirError, InvalidResource, InvalidValue, MalformedBody

MALFORMED = {
    "truncated": b'{"a":',
    "trailing comma": b'{"a":1,}',
    "trailing text": b'{"a":1}x',
    "raw tab in a string": b'{"a":"\t"}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":-Infinity}',
    "1e400": b'{"a":1e400}',
    "1e-400": b'{"a":1e-400}',
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key inside": b'{"b":[{"a":1,"a":2}]}',
    "lone high surrogate": rb'{"a":"\ud800"}',
    "lone low surrogate": rb'{"a":"\udc00x"}',
    "reversed pair": rb'{"a":"\udc00\ud800"}',
    "lone surrogate after a pair": rb'{"a":"\ud83d\ude00\ud83d"}',
    "lone surrogate in a key": rb'{"\ud800":1}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "overlong": b'{"a":"\xc0\xaf"}',
    "surrogate as UTF-8": b'{"a":"\xed\xa0\x80"}',
    "UTF-16": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "BOM": b'\xef\xbb\xbf{"a":1}',
    "empty": b"",
    "blank": b"  ",
    "scalar": b"1",
    "array": b"[]",
    "null": b"null",
    "$set": b'{"$set":{}}',
    "$where": b'{"a":{"$where":"1"}}',
    "dotted": b'{"a.b":1}',
    "__proto__": b'{"__proto__":{}}',
    "empty key": b'{"":1}',
    "empty key beside another": b'{"a":1,"":1}',
}
VALUES = {
    "int64 overflow": b'{"a":9223372036854775808}',
    "int64 underflow": b'{"a":-9223372036854775809}',
    "5,000 digits": b'{"a":' + b"9" * 5_000 + b"}",
    "35 significant digits": b'{"a":1.' + b"1" * 34 + b"}",
    "NUL": rb'{"a":"\u0000"}',
    "NUL in a key": rb'{"a\u0000":1}',
    "escape": rb'{"a":"\u001B"}',
    "backspace": rb'{"a":"\b"}',
    "form feed": rb'{"a":"\f"}',
    "vertical tab after a backslash": rb'{"a":"\\\u000b"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody) as caught:
        decode(body)
    assert (caught.value.http_status, caught.value.issues[0].code) == (400, "structure")


@pytest.mark.parametrize("body", VALUES.values(), ids=VALUES.keys())
def test_what_a_store_could_not_keep_is_an_invalid_value(body: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        decode(body)
    assert (caught.value.http_status, caught.value.issues[0].code) == (400, "value")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1.00}', {"a": Decimal("1.00")}),
        (b'{"a":9223372036854775807}', {"a": 2**63 - 1}),
        (b'{"a":-9223372036854775808}', {"a": -(2**63)}),
        (rb'{"a":"\ud83d\ude00"}', {"a": "\U0001f600"}),
        (rb'{"a":"\\ud800 \\b \t\n\r"}', {"a": "\\ud800 \\b \t\n\r"}),
        (b'{"_birthDate":null}', {"_birthDate": None}),
        (b'{"a":"$set a.b"}', {"a": "$set a.b"}),
        ('{"größe":"e\u0301\u202e"}'.encode(), {"größe": "e\u0301\u202e"}),
    ],
)
def test_what_json_allows_is_read_as_it_stands(body: bytes, expected: object) -> None:
    assert decode(body) == expected


def test_a_million_brackets_are_refused() -> None:
    for body in (b"[" * 1_000_000, b'{"a":' * 1_000_000, b'{"a":' + b"[" * 1_000_000):
        with pytest.raises(MalformedBody, match="nested"):
            decode(body)


def test_depth_sixty_four_is_read_and_sixty_five_is_not() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    assert decode(nested(64))
    with pytest.raises(MalformedBody, match="64 deep"):
        decode(nested(65))
    assert decode(b'{"a":[' + b"[]," * 100 + b"[]]}"), "many brackets, but not deep"


def test_a_long_string_is_too_long_with_status_400() -> None:
    with pytest.raises(InvalidResource) as caught:
        decode(b'{"a":[{"b":"' + b"x" * (MAX_STRING + 1) + b'"}]}')
    assert (caught.value.http_status, caught.value.issues[0].code) == (400, "too-long")
    with pytest.raises(InvalidResource):
        decode(b'{"' + b"x" * (MAX_STRING + 1) + b'":1}')
    assert decode(b'{"b":"' + b"x" * MAX_STRING + b'"}')


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"a": 1,\n "b": }', "line 2, column 7"),
        (b'{"a": {"a": 1},\n "b": [{"c": "a", "a": "\\u0041"}],\n  "a": 2}', "line 3, column 3"),
        (b'{"x": "$y",\n "$y": 1}', "line 2, column 2"),
        (b'{"x": 1,\n "y": 99999999999999999999}', "line 2, column 7"),
        (b'{"x": 1,\n "y": 1e999}', "line 2, column 7"),
        (b'{"x": "a",\n "y": "\\ud800"}', "line 2, column 8"),
        (b'{"x": "a",\n "y": "ab\\u0000"}', "line 2, column 10"),
    ],
)
def test_a_refusal_names_line_and_column(body: bytes, place: str) -> None:
    with pytest.raises(FhirError, match=place):
        decode(body)


def test_a_refusal_in_a_large_body_does_not_search_for_the_place() -> None:
    with pytest.raises(MalformedBody, match=r"one object$"):
        decode(b'{"a":1,"a":2,"b":"' + b"x" * 300_000 + b'"}')


@pytest.mark.parametrize(
    "body", [b'{"Kowalska": 1, "Kowalska": 2}', b'{"a": "Kowalska" x}', b'{"a":12345e999}']
)
def test_a_refusal_never_repeats_content(body: bytes) -> None:
    with pytest.raises(MalformedBody) as caught:
        decode(body)
    assert "Kowalska" not in str(caught.value)
    assert "12345" not in str(caught.value)


def test_decimals_are_written_as_they_were_read() -> None:
    body = b'{"a":[1.00,0.0000001,-0.0,12345678901234567890.12],"b":1,"c":1.5E+30}'
    assert encode(decode(body)) == body


def test_stored_bytes_are_spliced_in() -> None:
    assert encode({"resource": orjson.Fragment(b'{"b": 1.0}')}) == b'{"resource":{"b": 1.0}}'


def test_what_json_has_no_form_for_is_not_written() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()})


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]))
)
_KEYS = st.from_regex(r"_?[a-zA-Z0-9]{1,8}", fullmatch=True)
_TREES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=20)


@given(st.dictionaries(_KEYS, _TREES))
def test_what_is_written_is_read_back(tree: dict[str, object]) -> None:
    assert decode(encode(tree)) == tree
    assert decode(json.dumps(tree).encode()) == tree


@given(
    st.binary()
    | st.text(st.characters(exclude_categories=["Cs"])).map(str.encode)
    | st.text(alphabet='{}[]",:\\u0d8e1.-').map(str.encode)
)
def test_garbage_is_read_or_refused_and_nothing_else(body: bytes) -> None:
    try:
        found = decode(body)
    except FhirError as error:
        assert error.http_status == 400  # noqa: PT017
    else:
        assert isinstance(found, dict)


def test_a_list_is_decoded_as_strictly_where_a_list_is_asked_for() -> None:
    assert decode_array(b'[{"op":"test","value":1.00}]') == [{"op": "test", "value": Decimal("1.00")}]
    with pytest.raises(MalformedBody, match="array"):
        decode_array(b"{}")
    with pytest.raises(MalformedBody, match="twice"):
        decode_array(b'[{"a":1,"a":1}]')
