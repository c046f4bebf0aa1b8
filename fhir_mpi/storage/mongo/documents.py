"""Resources as native MongoDB documents, and back, byte for byte.

A resource is stored as the document it is: keys in their order, integers as int32 or int64, numbers
with a fraction as Decimal128 (so 1.00 stays 1.00), so that any MongoDB tool can query it. Where the
document alone could not give back the very bytes (a number such as 1e3, more than 34 digits, white
space), the bytes are kept beside it in `text`, and they are what is answered.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, TypeAlias

import orjson
from bson import Int64
from bson.decimal128 import Decimal128, create_decimal128_context

from fhir_mpi.search.filters import IndexEntries, Interval
from fhir_mpi.storage.port import CandidateEntry, Stored

Document: TypeAlias = dict[str, Any]

_ROUNDING: Final = create_decimal128_context()
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
_INT64_DIGITS: Final = len(str(_LEAST))
_UNSAFE: Final = {"%": "%25", ".": "%2E", "$": "%24", "\0": "%00"}


def field_name(code: str) -> str:
    """A search code as a field name: without the characters that mean something in a field path.

    >>> field_name("value-quantity:http://unitsofmeasure.org|kg")
    'value-quantity:http://unitsofmeasure%2Eorg|kg'
    >>> field_name("$where"), field_name("%2E") == field_name(".")
    ('%24where', False)
    """
    return "".join(_UNSAFE.get(character, character) for character in code) or "%"


def history_id(id: str, version: int) -> str:
    """The `_id` of a version; as text they sort by resource, then by version.

    >>> history_id("p1", 9) < history_id("p1", 10) < history_id("p10", 1)
    True
    """
    return f"{id}/{version:010d}"


def current_document(version: Stored, index: IndexEntries) -> Document:
    return {"_id": version.id, **_facts(version), "ix": index_document(index)}


def history_document(version: Stored) -> Document:
    return {"_id": history_id(version.id, version.version), "id": version.id, **_facts(version)}


def stored_version(type: str, document: Document) -> Stored:
    """The version that a current or a history document holds."""
    return Stored(
        type,
        str(document.get("id", document["_id"])),
        document["version"],
        document["lastUpdated"],
        document["method"],
        _json(document),
    )


def index_document(index: IndexEntries) -> Document:
    """`{field: [values]}`; a code without values is left out, so that presence is existence."""
    return {field_name(code): [_index_value(v) for v in values] for code, values in index.items() if values}


def text_rows(id: str, index: IndexEntries) -> Iterator[Document]:
    for code, values in index.items():
        for value in values:
            if isinstance(value, str):
                yield {"code": code, "text": value, "id": id}


def interval_rows(id: str, index: IndexEntries) -> Iterator[Document]:
    for code, values in index.items():
        for value in values:
            if isinstance(value, Interval):
                yield {"code": code, **_interval(value), "id": id}


def candidate_document(id: str, entry: CandidateEntry) -> Document:
    return {"_id": id, "keys": [Int64(key) for key in sorted(entry.keys)], "packed": entry.packed}


def _facts(version: Stored) -> Document:
    return {
        "version": version.version,
        "lastUpdated": version.last_updated,
        "deleted": version.deleted,
        "method": version.method,
        **_content(version.json),
    }


def _content(data: bytes) -> Document:
    if not data:
        return {"resource": None}
    resource = json.loads(data, parse_float=_decimal, parse_int=_integer)
    return {"resource": resource} if _rendered(resource) == data else {"resource": resource, "text": data}


def _json(document: Document) -> bytes:
    if document["resource"] is None:
        return b""
    text: bytes | None = document.get("text")
    return _rendered(document["resource"]) if text is None else text


def _rendered(resource: Document) -> bytes:
    return orjson.dumps(resource, default=_number)


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal128):
        return orjson.Fragment(str(value))
    raise TypeError(f"a stored resource holds a {type(value).__name__}")


def _integer(text: str) -> int | Decimal128:
    number = int(text) if len(text) <= _INT64_DIGITS else None
    return number if number is not None and _LEAST <= number <= _MOST else _decimal(text)


def _decimal(text: str) -> Decimal128:
    return Decimal128(_ROUNDING.create_decimal(Decimal(text)))


def _index_value(value: str | Interval) -> str | Document:
    return value if isinstance(value, str) else _interval(value)


def _interval(value: Interval) -> Document:
    return {"low": float(value.low), "high": float(value.high)}
