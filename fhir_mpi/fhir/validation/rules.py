"""What a profile demands of an element, and what an element breaks of it.

A profile is a tree as its elements are: a Shape for a value, an ElementRule for each child that it speaks
of, a Slice for each part of a list. All of it is compiled by `differential.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.references import written_type
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.paths import expression

Broken: TypeAlias = tuple[str, str, str]  # issue code, text, FHIRPath after the element
Codes: TypeAlias = frozenset[tuple[str | None, str]]  # system and code
RULE: Final = "business-rule"


@dataclass(frozen=True, slots=True)
class Count:
    """Between `low` and `high` times; `high` None is without limit."""

    low: int = 0
    high: int | None = None

    def broken(self, times: int) -> str | None:
        """What is wrong with so many, None where nothing is.

        >>> Count(1, 1).broken(0)
        'at least 1 is required'
        """
        if times < self.low:
            return f"at least {self.low} is required"
        if self.high is not None and times > self.high:
            return f"at most {self.high} is allowed"
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """An element: its JSON name, its value (None where it only has extensions), its children."""

    name: str
    value: Any
    children: Json
    place: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value must be; an empty `names`, `codes` or `targets` demands nothing."""

    fixed: Any = None
    pattern: Any = None
    codes: Codes = frozenset()
    max_length: int | None = None
    targets: frozenset[str] = frozenset()
    children: tuple["ElementRule", ...] = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """The elements of a list that `holds` tells apart: how many, and of which shape."""

    name: str
    holds: Callable[[Found], bool]
    count: Count
    shape: Shape


@dataclass(frozen=True, slots=True)
class ElementRule:
    """One child: `names` as JSON spells it, `allowed` where a choice may have some of its types only.

    `stray` says what is wrong with an element that is in no slice, None where that is fine.
    """

    name: str
    names: tuple[str, ...]
    count: Count = Count()
    shape: Shape = Shape()
    allowed: frozenset[str] = frozenset()
    slices: tuple[Slice, ...] = ()
    stray: Callable[[Found], str | None] | None = None


def shape_breaks(children: Json, shape: Shape, place: str) -> Iterator[Broken]:
    """What the children of an element break of a shape; `place` is the FHIRPath of the element."""
    for rule in shape.children:
        yield from _rule_breaks(children, rule, place)


def occurrences(parent: Json, names: tuple[str, ...], place: str) -> Iterator[Found]:
    """Every element of these names, with the extensions of a primitive as its children."""
    for name in names:
        value, sibling = parent.get(name), parent.get(f"_{name}")
        if isinstance(value, list) or isinstance(sibling, list):
            for index in range(max(_length(value), _length(sibling))):
                at = expression(place, [name, index])
                yield _one(name, _item(value, index), _item(sibling, index), at)
        elif value is not None or sibling is not None:
            yield _one(name, value, sibling, expression(place, [name]))


def matches(value: Any, pattern: Any) -> bool:
    """FHIR's pattern: everything in the pattern is in the value, lists in any order.

    >>> matches({"coding": [{"code": "a"}, {"code": "b"}]}, {"coding": [{"code": "b"}]})
    True
    """
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(value.get(key), part) for key, part in pattern.items())
    if isinstance(pattern, list):
        listed = value if isinstance(value, list) else []
        return all(any(matches(item, part) for item in listed) for part in pattern)
    return bool(value == pattern)


def is_coded(value: Any, codes: Codes) -> bool:
    """Whether a code, Coding, Quantity, CodeableConcept or CodeableReference has one of these codes.

    >>> is_coded({"coding": [{"system": "urn:s", "code": "a"}]}, frozenset({("urn:s", "a")}))
    True
    """
    if isinstance(value, str):
        return any(value == code for _, code in codes)
    if not isinstance(value, dict):
        return False
    if "concept" in value:
        return is_coded(value["concept"], codes)
    if isinstance(value.get("coding"), list):
        return any(is_coded(coding, codes) for coding in value["coding"])
    return (value.get("system"), value.get("code")) in codes


def _rule_breaks(parent: Json, rule: ElementRule, place: str) -> Iterator[Broken]:
    found = list(occurrences(parent, rule.names, place))
    wrong = rule.count.broken(len(found))
    if wrong:
        yield RULE, f"of the element {rule.name} {wrong} by the profile", f"{place}.{rule.name}"
    for one in found:
        if rule.allowed and one.name not in rule.allowed:
            yield RULE, "the profile does not allow this type", f"{place}.{rule.name}"
        yield from _value_breaks(one, rule.shape)
    if rule.slices or rule.stray:
        yield from _slice_breaks(found, rule, f"{place}.{rule.name}")


def _slice_breaks(found: list[Found], rule: ElementRule, place: str) -> Iterator[Broken]:
    rest = dict(enumerate(found))
    for part in rule.slices:
        held = [index for index, one in enumerate(found) if part.holds(one)]
        wrong = part.count.broken(len(held))
        if wrong:
            yield RULE, f"of the slice {part.name} {wrong} by the profile", place
        for index in held:
            rest.pop(index, None)
            yield from _value_breaks(found[index], part.shape)
    for one in rest.values() if rule.stray else ():
        text = rule.stray(one) if rule.stray else None
        if text:
            yield RULE, text, one.place


def _value_breaks(one: Found, shape: Shape) -> Iterator[Broken]:
    if shape.fixed is not None and one.value != shape.fixed:
        yield RULE, "the profile fixes another value", one.place
    if shape.pattern is not None and not matches(one.value, shape.pattern):
        yield RULE, "the value does not match the pattern of the profile", one.place
    if shape.codes and not is_coded(one.value, shape.codes):
        yield RULE, "the code is not in the value set that the profile requires", one.place
    if shape.max_length is not None and isinstance(one.value, str) and len(one.value) > shape.max_length:
        yield RULE, f"the profile allows {shape.max_length} characters", one.place
    if shape.targets and isinstance(one.value, dict) and not _leads_to(one.value, shape.targets):
        yield RULE, "the profile does not allow a reference to this type", one.place
    yield from shape_breaks(one.children, shape, one.place)


def _leads_to(value: Json, targets: frozenset[str]) -> bool:
    """Whether a Reference names one of these types, or does not say which it names."""
    reference = value.get("reference")
    if isinstance(reference, dict):  # of a CodeableReference
        return _leads_to(reference, targets)
    named = written_type(reference) if isinstance(reference, str) else None
    stated = named or value.get("type")
    return not isinstance(stated, str) or stated in targets


def _one(name: str, value: Any, sibling: Any, place: str) -> Found:
    children = value if isinstance(value, dict) else sibling
    return Found(name, value, children if isinstance(children, dict) else {}, place)


def _item(values: Any, index: int) -> Any:
    return values[index] if isinstance(values, list) and index < len(values) else None


def _length(values: Any) -> int:
    return len(values) if isinstance(values, list) else 0
