"""Sorted pages: the values a query sorts by, their order, and where a page goes on.

Each sort gives two fields: `missing<n>` (0 or 1, so that resources without come last in both
directions) and `value<n>`. The id decides between equals.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from bson.datetime_ms import DatetimeMS
from bson.son import SON

from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.search.filters import Query, Sort
from fhir_mpi.storage.mongo.documents import Document, field_name

Level: TypeAlias = tuple[str, int, Any]
"""A field, 1 or -1, and the value at the end of the page before."""


def sort_fields(sorts: Sequence[Sort]) -> list[Document]:
    """The stages that give every document its sort values: of intervals, the low ends."""
    values = {f"value{n}": _value_of(sort) for n, sort in enumerate(sorts)}
    lows = {f"value{n}": {"$ifNull": [f"$value{n}.low", f"$value{n}"]} for n in range(len(sorts))}
    missing = {
        f"missing{n}": {"$cond": [{"$eq": [{"$ifNull": [f"$value{n}", None]}, None]}, 1, 0]}
        for n in range(len(sorts))
    }
    return [{"$addFields": values}, {"$addFields": lows}, {"$addFields": missing}]


def sort_order(query: Query) -> SON[str, int]:
    """By those fields and the id, backwards where the query says so."""
    way = -1 if query.backwards else 1
    order: SON[str, int] = SON()
    for n, sort in enumerate(query.sort):
        order[f"missing{n}"] = way
        order[f"value{n}"] = way * _direction(sort)
    order["_id"] = way
    return order


def position(sorts: Sequence[Sort], document: Document) -> str:
    """Where the first or the last document of a page stands: its id, sorted with the values before it."""
    if not sorts:
        return str(document["_id"])
    values = [_plain(document.get(f"value{n}")) for n in range(len(sorts))]
    return json.dumps([*values, document["_id"]])


def behind(query: Query) -> Document:
    """The documents that a query's position leaves, over the fields that `sort_fields` makes.

    A position that this store can't have made for these sorts is an InvalidValue.
    """
    levels = list(_levels(query.sort, _read(query.after or "", len(query.sort))))
    alternatives = []
    for n, (field, direction, value) in enumerate(levels):
        equal = {name: {"$eq": held} for name, _, held in levels[:n]}
        past = "$gt" if (direction > 0) is not query.backwards else "$lt"
        alternatives.append({**equal, field: {past: value}})
    return {"$or": alternatives}


def _value_of(sort: Sort) -> str | Document:
    if sort.code == "_id":
        return "$_id"
    if sort.code == "_lastUpdated":
        return "$lastUpdated"
    return {"$max" if sort.descending else "$min": f"$ix.{field_name(sort.code)}"}


def _direction(sort: Sort) -> int:
    return -1 if sort.descending else 1


def _plain(value: Any) -> Any:
    """A sort value as JSON; only `_lastUpdated` has moments, which are whole numbers."""
    return int(DatetimeMS(value)) if isinstance(value, datetime) else value


def _read(after: str, sorts: int) -> list[Any]:
    try:
        found = json.loads(after)
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) != sorts + 1 or not isinstance(found[-1], str):
        raise InvalidValue("this is not a position of this search")
    return found


def _levels(sorts: Sequence[Sort], values: Sequence[Any]) -> Iterator[Level]:
    for n, (sort, value) in enumerate(zip(sorts, values, strict=False)):
        yield f"missing{n}", 1, int(value is None)
        if value is not None:
            yield f"value{n}", _direction(sort), _stored(value)
    yield "_id", 1, values[-1]


def _stored(value: Any) -> Any:
    match value:
        case int():
            return DatetimeMS(value)
        case float() | str():
            return value
    raise InvalidValue("this is not a position of this search")
