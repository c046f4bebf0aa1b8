"""The filter tree as MongoDB queries: exactly, over `ix`, and narrowed, over the index rows.

`compiled` is the whole meaning of a filter, over the current document. `looks` are the parts of it
that an index answers: each finds at least every resource that the filter finds, so a search may use
any one of them and then apply `compiled`. Values stand only under operators of ours, as literals;
none becomes a pattern (`Contains` is `$indexOfCP`, not `$regex`) or part of a field path unescaped.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from bson.datetime_ms import DatetimeMS

from fhir_mpi.search.filters import (
    UNIT_SEPARATOR,
    And,
    Contains,
    Equals,
    Filter,
    Leaf,
    Not,
    OneOf,
    Or,
    Prefix,
    Present,
    Referred,
    Refers,
    SameAs,
    Within,
    after_prefix,
)
from fhir_mpi.storage.mongo.documents import Document, field_name

MOST_ALTERNATIVES: Final = 20  # unions in one look; beyond, one pass over the type is cheaper to plan
_LAST_MILLISECOND: Final = 2**62
_COLUMNS: Final = ("_id", "_lastUpdated")


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of one index collection: `$match`es that follow each other, the indexed one first."""

    kind: str
    matches: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """The ids in any of `rows`. `whole` if they are exactly what the filter finds."""

    rows: tuple[Rows, ...]
    whole: bool = False

    @property
    def by_id(self) -> bool:
        """Whether the index gives each id once, and in order: one code with one text."""
        return len(self.rows) == 1 and isinstance(self.rows[0].matches[0].get("text", {}).get("$eq"), str)


def compiled(filter: Filter) -> Document:
    """The filter over one current document, deleted or not.

    >>> compiled(And((Equals("identifier", "urn:mrn|7"), Not(Present("active")))))
    {'$and': [{'ix.identifier': {'$eq': 'urn:mrn|7'}}, {'$nor': [{'ix.active': {'$exists': True}}]}]}
    """
    match filter:
        case And(parts):
            return {"$and": [compiled(part) for part in parts]} if parts else {}
        case Or((Equals(code), *_) as parts) if all(isinstance(p, Equals) and p.code == code for p in parts):
            field = "_id" if code == "_id" else f"ix.{field_name(code)}"
            return {field: {"$in": [part.value for part in parts if isinstance(part, Equals)]}}
        case Or(parts):
            return {"$or": [compiled(part) for part in parts]} if parts else {"_id": {"$in": []}}
        case Not(part):
            return {"$nor": [compiled(part)]}
        case Within(code) if code == "_lastUpdated":
            return {"lastUpdated": _moments(filter)}
        case Refers() | Referred() | SameAs():
            raise TypeError("references and links are followed before a filter is compiled")
        case _ if filter.code in _COLUMNS:
            return _column(filter)
        case _:
            return _leaf(f"ix.{field_name(filter.code)}", filter)


def ids_of(filter: Filter) -> frozenset[str] | None:
    """The ids outside which the filter finds nothing; None where it names none.

    >>> ids_of(Or((Equals("_id", "a"), And((Equals("_id", "b"), Present("x")))))) == {"a", "b"}
    True
    """
    match filter:
        case Equals("_id", value):
            return frozenset({value})
        case OneOf("_id", values):
            return frozenset(values)
        case And(parts):
            named = [found for part in parts if (found := ids_of(part)) is not None]
            return frozenset.intersection(*named) if named else None
        case Or(parts):
            each = [ids_of(part) for part in parts]
            named = [found for found in each if found is not None]
            return frozenset().union(*named) if len(named) == len(each) else None
        case _:
            return None


def looks(filter: Filter) -> list[Look]:
    """What the index rows can narrow the filter to, one look for each part of a conjunction."""
    found = _looks(filter, _selective) or _looks(filter, _any_rows)
    whole = len(found) == 1 and isinstance(filter, Equals | OneOf | Prefix | Contains | Within)
    return [Look(found[0].rows, whole=True)] if whole else found


def _column(leaf: Leaf) -> Document:
    match leaf:
        case Equals("_id", value):
            return {"_id": {"$eq": value}}
        case OneOf("_id", values):
            return {"_id": {"$in": list(values)}}
        case Present():
            return {}
        case _:
            return {"_id": {"$in": []}}


def _leaf(field: str, leaf: Leaf) -> Document:
    match leaf:
        case Equals(_, value):
            return {field: {"$eq": value}}
        case OneOf(_, values):
            return {field: {"$in": list(values)}}
        case Prefix(_, prefix):
            return {field: {"$elemMatch": _starting(prefix)}}
        case Contains(_, part):
            holds = {"$map": {"input": {"$ifNull": [f"${field}", []]}, "in": _contains("$$this", part)}}
            return {"$expr": {"$anyElementTrue": [holds]}}
        case Within(_):
            return {field: {"$elemMatch": _ends(leaf)}}
        case Present(_):
            return {field: {"$exists": True}}


def _starting(prefix: str) -> Document:
    end = after_prefix(prefix)
    return {"$gte": prefix} if end is None else {"$gte": prefix, "$lt": end}


def _contains(text: str, part: str) -> Document:
    """Whether the text that an expression names has `part` before its first unit separator."""
    shown = {"$arrayElemAt": [{"$split": [text, UNIT_SEPARATOR]}, 0]}
    holds = {"$gte": [{"$indexOfCP": [shown, {"$literal": part}]}, 0]}
    return {"$cond": [{"$eq": [{"$type": text}, "string"]}, holds, False]}


def _ends(leaf: Within) -> Document:
    low, high = _bounds(leaf.low_from, leaf.low_to), _bounds(leaf.high_from, leaf.high_to)
    ends = {"low": low, "high": high}
    return {end: bounds for end, bounds in ends.items() if bounds} or {"low": {"$exists": True}}


def _bounds(least: float | None, most: float | None) -> Document:
    """Both ends inclusive, said half-open: the test engine drops the rows at an inclusive upper end
    of a compound index, and to a double "below the next double" is the same.
    """
    bounds: Document = {} if least is None else {"$gte": float(least)}
    if most is not None and most < math.inf:
        bounds["$lt"] = math.nextafter(most, math.inf)
    return bounds


def _moments(leaf: Within) -> Document:
    least = max(_given(leaf.low_from, leaf.high_from), default=-math.inf)
    most = min(_given(leaf.low_to, leaf.high_to), default=math.inf)
    return {"$gte": _moment(least, math.ceil), "$lte": _moment(most, math.floor)}


def _moment(milliseconds: float, whole: Callable[[float], int]) -> DatetimeMS:
    bounded = min(max(milliseconds, -_LAST_MILLISECOND), _LAST_MILLISECOND)
    return DatetimeMS(whole(bounded))


def _given(*bounds: float | None) -> list[float]:
    return [bound for bound in bounds if bound is not None]


def _looks(filter: Filter, rows: Callable[[Filter], Rows | None]) -> list[Look]:
    match filter:
        case And(parts):
            return list(chain.from_iterable(_looks(part, rows) for part in parts))
        case Or(parts):
            return _union(parts, rows)
        case _:
            found = rows(filter)
            return [] if found is None else [Look((found,))]


def _union(parts: tuple[Filter, ...], rows: Callable[[Filter], Rows | None]) -> list[Look]:
    """One look for an Or, where each alternative has one; the first of each will do."""
    equal: dict[str, list[str]] = {}
    others = []
    for part in parts:
        if isinstance(part, Equals) and part.code not in _COLUMNS:
            equal.setdefault(part.code, []).append(part.value)
        else:
            others.append(_looks(part, rows))
    if not parts or not all(others):
        return []
    each = [_equal(code, values) for code, values in equal.items()]
    each += chain.from_iterable(found[0].rows for found in others)
    return [Look(tuple(each))] if len(each) <= MOST_ALTERNATIVES else []


def _selective(leaf: Filter) -> Rows | None:
    """The rows of a leaf for which the index need not be read through a whole code."""
    match leaf:
        case Equals(code, value) if code not in _COLUMNS:
            return _equal(code, [value])
        case OneOf(code, values) if code not in _COLUMNS:
            return _equal(code, list(values))
        case Prefix(code, prefix) if prefix and code not in _COLUMNS:
            return Rows("texts", ({"code": code, "text": _starting(prefix)},))
        case Within(code) if code not in _COLUMNS and _bound(leaf):
            return _within(leaf)
        case _:
            return None


def _any_rows(leaf: Filter) -> Rows | None:
    """The same, and what at least need not read the documents."""
    match leaf:
        case Contains(code, part) if code not in _COLUMNS:
            return Rows("texts", ({"code": code}, {"$expr": _contains("$text", part)}))
        case _:
            return _selective(leaf)


def _equal(code: str, values: list[str]) -> Rows:
    text: Document = {"$eq": values[0]} if len(values) == 1 else {"$in": values}
    return Rows("texts", ({"code": code, "text": text},))


def _bound(leaf: Within) -> bool:
    return bool(_given(leaf.low_from, leaf.low_to, leaf.high_from, leaf.high_to))


def _within(leaf: Within) -> Rows:
    """A range over one end, then the other end over the few rows left.

    Since low <= high, a bound above `high` is one above `low` too, and one below `low` one below
    `high`; the end that is bounded on both sides leads, and `high` where none is bounded below.
    """
    low = _bounds(leaf.low_from, min(_given(leaf.low_to, leaf.high_to), default=None))
    high = _bounds(max(_given(leaf.high_from, leaf.low_from), default=None), leaf.high_to)
    ends = {"low": low, "high": high}
    leading = max(ends, key=lambda end: len(ends[end]))
    following = "high" if leading == "low" else "low"
    led: Document = {"code": leaf.code, leading: ends[leading]}
    return Rows("intervals", (led, {following: ends[following]}) if ends[following] else (led,))
