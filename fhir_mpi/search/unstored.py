"""Resources that are not stored yet, found by the same filters as those that are."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from fhir_mpi.fhir.outcome import UnsupportedParameter
from fhir_mpi.search.filters import (
    UNIT_SEPARATOR,
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
    after_prefix,
)


class Unstored:
    """The resources of one type that a unit of work is about to write, by id.

    Texts are looked up, so that thousands of searches over thousands of resources stay affordable;
    what is contained, and intervals, are gone through one by one. `now_ms` is when they will have been
    updated last.
    """

    def __init__(self, resources: Mapping[str, IndexEntries], *, now_ms: float) -> None:
        self._ids = frozenset(resources)
        self._now = Interval(now_ms, now_ms)
        self._texts: dict[str, list[tuple[str, str]]] = {}
        self._intervals: dict[str, list[tuple[Interval, str]]] = {}
        for id, entries in resources.items():
            self._add(id, entries)
        for texts in self._texts.values():
            texts.sort()

    def _add(self, id: str, entries: IndexEntries) -> None:
        for code, values in entries.items():
            for value in values:
                if isinstance(value, Interval):
                    self._intervals.setdefault(code, []).append((value, id))
                else:
                    self._texts.setdefault(code, []).append((value, id))

    def found(self, filter: Filter) -> frozenset[str]:
        """The ids of those that the filter finds; UnsupportedParameter for one that follows references.

        >>> resources = {"a": {"family": ["smith"]}, "b": {"family": ["smythe"]}}
        >>> Unstored(resources, now_ms=0).found(Prefix("family", "smi"))
        frozenset({'a'})
        """
        match filter:
            case And(parts):
                return reduce(frozenset.intersection, self._all(parts), self._ids)
            case Or(parts):
                return reduce(frozenset.union, self._all(parts), frozenset())
            case Not(part):
                return self._ids - self.found(part)
            case Equals("_id", value):
                return self._ids & {value}
            case OneOf("_id", values):
                return self._ids & frozenset(values)
            case Present("_id" | "_lastUpdated"):
                return self._ids
            case Within("_lastUpdated"):
                return self._ids if _is_within(self._now, filter) else frozenset()
            case Refers() | Referred() | SameAs():
                raise UnsupportedParameter("criteria over references are not read inside a transaction")
            case _:
                return frozenset(self._leaf(filter))

    def _all(self, parts: Sequence[Filter]) -> Iterable[frozenset[str]]:
        return (self.found(part) for part in parts)

    def _leaf(self, leaf: Leaf) -> Iterable[str]:
        texts, intervals = self._texts.get(leaf.code, []), self._intervals.get(leaf.code, [])
        match leaf:
            case Equals(_, value):
                return _between(texts, value, value + "\0")
            case OneOf(_, values):
                return (id for value in values for id in _between(texts, value, value + "\0"))
            case Prefix(_, prefix):
                return _between(texts, prefix, after_prefix(prefix))
            case Contains(_, part):
                return (id for text, id in texts if part in text.partition(UNIT_SEPARATOR)[0])
            case Within():
                return (id for interval, id in intervals if _is_within(interval, leaf))
            case Present():
                return (id for _, id in [*texts, *intervals])


def _between(texts: Sequence[tuple[str, str]], first: str, end: str | None) -> Iterable[str]:
    start = bisect_left(texts, (first,))
    stop = len(texts) if end is None else bisect_left(texts, (end,))
    return (id for _, id in texts[start:stop])


def _is_within(interval: Interval, bounds: Within) -> bool:
    return _bounded(interval.low, bounds.low_from, bounds.low_to) and _bounded(
        interval.high, bounds.high_from, bounds.high_to
    )


def _bounded(end: float, least: float | None, most: float | None) -> bool:
    return (least is None or least <= end) and (most is None or end <= most)
