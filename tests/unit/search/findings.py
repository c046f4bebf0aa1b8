"""Whether a filter holds on index entries: the plainest reading of search/filters.py there is."""

import sys
from collections.abc import Mapping
from typing import TypeAlias

from fhir_mpi.search.filters import (
    And,
    Contains,
    Equals,
    Filter,
    IndexEntries,
    Interval,
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
)

_FAR = sys.float_info.max


World: TypeAlias = Mapping[str, Mapping[str, IndexEntries]]
"""type -> id -> index entries: everything there is, for filters that follow references."""


def holds(filter: Filter, entries: IndexEntries, id: str = "", world: World = {}) -> bool:  # noqa: B006
    match filter:
        case And(parts):
            return all(holds(part, entries, id, world) for part in parts)
        case Or(parts):
            return any(holds(part, entries, id, world) for part in parts)
        case Not(part):
            return not holds(part, entries, id, world)
        case SameAs():
            raise TypeError("links are followed before a filter is asked")
        case Refers(code, type, inner, written):
            others = world.get(type, {}).items()
            named = {
                start + other
                for other, index in others
                if holds(inner, index, other, world)
                for start in written
            }
            return not named.isdisjoint(map(str, entries.get(code, ())))
        case Referred(type, code, inner, written):
            ours = {start + id for start in written}
            others = world.get(type, {}).items()
            return any(
                not ours.isdisjoint(map(str, index.get(code, ()))) and holds(inner, index, other, world)
                for other, index in others
            )
        case _:
            return _leaf(filter, entries, id)


def _leaf(leaf: Leaf, entries: IndexEntries, id: str) -> bool:
    match leaf:
        case Equals("_id", value):
            return id == value
        case OneOf("_id", values):
            return id in values
        case Present(code):
            return bool(entries.get(code))
        case Within():
            return any(_within(leaf, i) for i in entries.get(leaf.code, ()) if isinstance(i, Interval))
        case _:
            return any(_text(leaf, text) for text in entries.get(leaf.code, ()) if isinstance(text, str))


def _text(filter: Equals | OneOf | Prefix | Contains, text: str) -> bool:
    match filter:
        case Equals(_, value):
            return text == value
        case OneOf(_, values):
            return text in values
        case Prefix(_, prefix):
            return text.startswith(prefix)
        case Contains(_, part):
            return part in text.partition("\x1f")[0]


def _within(filter: Within, interval: Interval) -> bool:
    low_from = -_FAR if filter.low_from is None else filter.low_from
    low_to = _FAR if filter.low_to is None else filter.low_to
    high_from = -_FAR if filter.high_from is None else filter.high_from
    high_to = _FAR if filter.high_to is None else filter.high_to
    return low_from <= interval.low <= low_to and high_from <= interval.high <= high_to
