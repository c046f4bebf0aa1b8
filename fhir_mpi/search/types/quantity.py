"""quantity: a number and its unit (R5 search.html#quantity). Units are not converted.

Besides the value under the plain code, each unit has a virtual code of its own, so that number and
unit are always those of the same quantity. Its name is a digest, since a unit may be any text.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final

from fhir_mpi.search.filters import Filter, IndexValue, Interval
from fhir_mpi.search.term import Term
from fhir_mpi.search.types.number import GREATEST, number_filter, span

MODIFIERS: Final = frozenset({"missing"})
CURRENCIES: Final = "urn:iso:std:iso:4217"


def index(values: Sequence[Any]) -> Iterator[tuple[str, IndexValue]]:
    for value in values:
        if isinstance(value, dict) and (found := _interval(value)):
            yield "", found
            for unit in _units(value):
                yield ":" + unit, found


def filter(term: Term) -> Filter:
    """`number`, `number|system|code` or `number||unit`."""
    parts = term.parts()
    if len(parts) == 1:
        return number_filter(term, term.code, parts[0])
    if len(parts) != 3 or not parts[2]:
        raise term.invalid("number, number|system|code or number||unit")
    return number_filter(term, f"{term.code}:{_unit(parts[1], parts[2])}", parts[0])


def _interval(quantity: dict[str, Any]) -> Interval | None:
    value = quantity.get("value")
    if value is None:
        return span(quantity)
    number = float(value)
    match quantity.get("comparator"):
        case "<" | "<=":
            return Interval(-GREATEST, number)
        case ">" | ">=":
            return Interval(number, GREATEST)
        case _:
            return Interval(number, number)


def _units(quantity: dict[str, Any]) -> Iterator[str]:
    """The unit with its system, and without one both the code and the printed unit."""
    if "low" in quantity or "high" in quantity:
        quantity = quantity.get("low") or quantity.get("high") or {}
    if currency := quantity.get("currency"):
        quantity = {"system": CURRENCIES, "code": currency}
    system, code = quantity.get("system"), quantity.get("code")
    if system and code:
        yield _unit(system, code)
    for name in dict.fromkeys((code, quantity.get("unit"))):
        if name:
            yield _unit("", name)


def _unit(system: str, code: str) -> str:
    return blake2b(f"{system}|{code}".encode(), digest_size=8).hexdigest()
