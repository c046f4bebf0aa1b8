"""The invariants of Quantity and of the datatypes that are made of it (FHIR R5, Datatypes)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.findings import Finding, Invariant, broken, every, has, number

_UCUM: Final = "http://unitsofmeasure.org"


def simple(*names: str) -> Invariant:
    """The invariant of a type in which R5 gives these elements the profile SimpleQuantity."""

    def check(element: Json) -> Iterator[Finding]:
        for name in names:
            quantity = element.get(name)
            if isinstance(quantity, dict) and has(quantity, "comparator"):
                yield broken("sqty-1: a comparator is not allowed here", f"{name}.comparator")

    return check


def _quantity(element: Json) -> Iterator[Finding]:
    if has(element, "code") and not has(element, "system"):
        yield broken("qty-3: a code needs a system", "system")


def _in_ucum(key: str, element: Json) -> Iterator[Finding]:
    if has(element, "value") and not has(element, "code"):
        yield broken(f"{key}: a value needs the code of its unit", "code")
    if has(element, "system") and element.get("system") != _UCUM:
        yield broken(f"{key}: the unit must be one of UCUM", "system")


def _age(element: Json) -> Iterator[Finding]:
    yield from _in_ucum("age-1", element)
    value = number(element.get("value"))
    if value is not None and value <= 0:
        yield broken("age-1: an age is more than nothing", "value")


def _count(element: Json) -> Iterator[Finding]:
    yield from _in_ucum("cnt-3", element)
    if has(element, "code") and element.get("code") != "1":
        yield broken("cnt-3: the code of a count is 1", "code")
    value = element.get("value")
    if isinstance(value, Decimal) and "." in str(value):
        yield broken("cnt-3: a count is a whole number", "value")


def _distance(element: Json) -> Iterator[Finding]:
    yield from _in_ucum("dis-1", element)


def _duration(element: Json) -> Iterator[Finding]:
    if has(element, "code") and (element.get("system") != _UCUM or not has(element, "value")):
        yield broken("drt-1: a code needs a value, and UCUM as its system", "system")


def _range(element: Json) -> Iterator[Finding]:
    if _reversed(element.get("low"), element.get("high")):
        yield broken("rng-2: the low value must not be higher than the high one", "high")


def _ratio(element: Json) -> Iterator[Finding]:
    present = {"numerator", "denominator"} & element.keys()
    if len(present) == 1 or (not present and "extension" not in element):
        yield broken("rat-1: a ratio has both a numerator and a denominator")


def _ratio_range(element: Json) -> Iterator[Finding]:
    numerator = "lowNumerator" in element or "highNumerator" in element
    denominator = "denominator" in element
    if numerator != denominator or (not numerator and "extension" not in element):
        yield broken("ratrng-1: a range of ratios has a numerator and a denominator")
    if _reversed(element.get("lowNumerator"), element.get("highNumerator")):
        yield broken("ratrng-2: the low value must not be higher than the high one", "highNumerator")


def _sampled_data(element: Json) -> Iterator[Finding]:
    if has(element, "interval") == has(element, "offsets"):
        yield broken("sdd-1: samples have either an interval or offsets")


def _reversed(low: Any, high: Any) -> bool:
    """Whether the low quantity lies above the high one, each as precise as it is written."""
    if not isinstance(low, dict) or not isinstance(high, dict) or _unit(low) != _unit(high):
        return False
    least, most = number(low.get("value")), number(high.get("value"))
    if least is None or most is None:
        return False
    return least - _half_step(least) > most + _half_step(most)


def _unit(quantity: Json) -> tuple[Any, Any]:
    return quantity.get("system"), quantity.get("code", quantity.get("unit"))


def _half_step(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    return Decimal(5).scaleb(exponent - 1) if isinstance(exponent, int) else Decimal(0)


QUANTITIES: Final[Mapping[str, Invariant]] = {
    "Age": every(_quantity, _age),
    "Count": every(_quantity, _count),
    "Distance": every(_quantity, _distance),
    "Duration": every(_quantity, _duration),
    "Quantity": _quantity,
    "Range": every(_range, simple("low", "high")),
    "Ratio": every(_ratio, simple("denominator")),
    "RatioRange": every(_ratio_range, simple("lowNumerator", "highNumerator", "denominator")),
    "SampledData": every(_sampled_data, simple("origin")),
}
