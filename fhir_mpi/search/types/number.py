"""number: decimals and integers (R5 search.html#number).

A stored number is a point. A number asked for is as wide as its last digit: 5.4 finds what is from
5.35 up to 5.45, where other prefixes than eq, ne and ap take it as exact.
"""

import math
import re
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from fhir_mpi.search.filters import Filter, IndexValue, Interval
from fhir_mpi.search.term import Term
from fhir_mpi.search.types.comparison import comparison, prefixed

MODIFIERS: Final = frozenset({"missing"})
GREATEST: Final = sys.float_info.max
"""Where an open end is put: a number that every store can keep."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
    for value in values:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            yield "", Interval(float(value), float(value))
        elif isinstance(value, dict):
            yield from ((("", found),) if (found := span(value)) else ())


def filter(term: Term) -> Filter:
    return number_filter(term, term.code, term.text)


def span(range: dict[str, Any]) -> Interval | None:
    """What a Range covers; an end that is not there is open."""
    low, high = (_value(range.get(end)) for end in ("low", "high"))
    if low is None and high is None:
        return None
    return Interval(-GREATEST if low is None else low, GREATEST if high is None else high)


def number_filter(term: Term, code: str, text: str) -> Filter:
    """The filter on the intervals of `code` for a number with its prefix."""
    prefix, digits = prefixed(text)
    if not _NUMBER.fullmatch(digits):
        raise term.invalid("a number")
    value = Decimal(digits)
    exact = float(value)
    if not math.isfinite(exact):
        raise term.invalid("a number within range")
    asked = _rounding_to(value) if prefix in ("eq", "ne") else Interval(exact, exact)
    return comparison(
        code,
        prefix,
        asked,
        before=math.nextafter(asked.low, -math.inf),
        after=math.nextafter(asked.high, math.inf),
        margin=abs(exact) / 10,
    )


def _rounding_to(value: Decimal) -> Interval:
    """The numbers that round to `value` at its own precision, half a step below included, above not.

    >>> _rounding_to(Decimal("100")).low
    99.5
    """
    half = Decimal((0, (5,), int(value.as_tuple().exponent) - 1))
    return Interval(float(value - half), math.nextafter(float(value + half), -math.inf))


def _value(quantity: Any) -> float | None:
    value = quantity.get("value") if isinstance(quantity, dict) else None
    return None if value is None else float(value)
