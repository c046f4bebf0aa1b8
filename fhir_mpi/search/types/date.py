"""date: days, instants and periods (R5 search.html#date).

A date is everything it may mean, 2013 the whole year, in milliseconds UTC with both ends inside; a
date without time zone is taken as UTC. The end that a Period does not say lies at year 1 or 9999.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from fhir_mpi.fhir.dates import period
from fhir_mpi.search.filters import Filter, IndexValue, Interval
from fhir_mpi.search.term import Term
from fhir_mpi.search.types.comparison import comparison, prefixed

MODIFIERS: Final = frozenset({"missing"})
FIRST: Final = period("0001")[0]
LAST: Final = period("9999")[1]


def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
    for value in values:
        if isinstance(value, str):
            yield "", _interval(value)
        elif isinstance(value, dict):
            for found in _structured(value):
                yield "", found


def filter(term: Term) -> Filter:
    prefix, text = prefixed(term.text)
    try:
        asked = _interval(text)
    except ValueError as error:
        raise term.invalid("a date, or a date and time with its zone") from error
    now = term.context.now_ms
    distance = max(abs(asked.low - now), abs(asked.high - now))
    return comparison(
        term.code, prefix, asked, before=asked.low - 1, after=asked.high + 1, margin=distance // 10
    )


def _structured(value: dict[str, Any]) -> Iterator[Interval]:
    """A Period, or a Timing: each of its events, and the period that bounds its repetition."""
    if "start" in value or "end" in value:
        low = _interval(value["start"]).low if value.get("start") else FIRST
        high = _interval(value["end"]).high if value.get("end") else LAST
        yield Interval(low, high)
    yield from (_interval(event) for event in value.get("event", ()) if event)
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds:
        yield from _structured(bounds)


@lru_cache(maxsize=8192)
def _interval(text: str) -> Interval:
    return Interval(*period(text))
