"""Where in a resource the elements stand that a FHIRPath names (R5 fhirpatch.html)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_mpi.fhir import fhirpath
from fhir_mpi.fhir.expression import reference_type
from fhir_mpi.fhir.fhirpath import Node, UnsupportedExpression
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.tree import Item, elements_of, written

LONGEST: Final = 400
DEEPEST: Final = 20
ABSTRACT: Final = frozenset({"Resource", "DomainResource"})


@dataclass(frozen=True, slots=True)
class Place:
    """An item and the list that it stands in: `parent.fields[name]`. The resource itself has no parent."""

    item: Item
    parent: Item | None = None
    name: str = ""


def locate(path: str, resource: Item) -> list[Place]:
    """The places of what `path` names, in order. UnsupportedExpression where the path isn't understood."""
    return _places(_parsed(path), Place(resource))


def locate_absent(path: str, resource: Item) -> list[tuple[Item, str]]:
    """The elements that might have what `path` names and have it not, each with the name it would have.

    UnsupportedExpression where the path doesn't end with a name.
    """
    node = _parsed(path)
    if not isinstance(node, fhirpath.Member):
        raise UnsupportedExpression("it names no element")
    parents = [place.item for place in _places(node.of, Place(resource))]
    return [(one, node.name) for one in parents if node.name in elements_of(one)]


def _parsed(path: str) -> Node:
    if len(path) > LONGEST or path.count("(") > DEEPEST:
        raise UnsupportedExpression("it is too long")
    try:
        return fhirpath.parse(path)
    except UnsupportedExpression:
        raise
    except ValueError as error:
        raise UnsupportedExpression("an index is a number") from error


def _places(node: Node, focus: Place) -> list[Place]:
    match node:
        case fhirpath.Focus():
            return [focus]
        case fhirpath.Root(type):
            return [focus] if _is(focus.item, type) else []
        case fhirpath.Item(of, position):
            return _places(of, focus)[position : position + 1]
        case fhirpath.Union(parts):
            found = {id(p.item): p for part in parts for p in _places(part, focus)}
            return list(found.values())
        case fhirpath.Where(of, criterion):
            return [p for p in _places(of, focus) if _values(criterion, p) == [True]]
        case fhirpath.Call(of, name, argument) if name in PARTS:
            return PARTS[name](_places(of, focus), _number(argument, focus))
        case _:
            return _below(node, focus)


def _below(node: Node, focus: Place) -> list[Place]:
    match node:
        case fhirpath.Member(of, name):
            return [below for p in _places(of, focus) for below in _members(p.item, name)]
        case fhirpath.OfType(of, name, type):
            key = f"{name}{type[0].upper()}{type[1:]}"
            return [below for p in _places(of, focus) for below in _members(p.item, key)]
        case fhirpath.Extension(of, url):
            found = [below for p in _places(of, focus) for below in _members(p.item, "extension")]
            return [p for p in found if [u.item.value for u in _members(p.item, "url")] == [url]]
        case _:
            raise UnsupportedExpression("it names no element")


def _number(argument: Node | None, focus: Place) -> int:
    found = [] if argument is None else _values(argument, focus)
    if argument is not None and [type(value) for value in found] != [int]:
        raise UnsupportedExpression("a number is wanted there")
    return found[0] if found else 0


def _values(node: Node, focus: Place) -> list[Any]:
    """What a node says: of elements their values, None for one that has none."""
    match node:
        case fhirpath.Literal(value):
            return [value]
        case fhirpath.Both(left, right):
            return _joined(_values(left, focus), _values(right, focus), decides=False)
        case fhirpath.Either(left, right):
            return _joined(_values(left, focus), _values(right, focus), decides=True)
        case fhirpath.Exists(of):
            return [bool(_places(of, focus))]
        case fhirpath.Equal(left, right, negated):
            return _compared(_values(left, focus), _values(right, focus), negated)
        case fhirpath.ResolvesTo(of, type):
            return [reference_type(written(p.item)) == type for p in _places(of, focus)]
        case fhirpath.Call(of, "all", criterion) if criterion is not None:
            return [all(_values(criterion, p) == [True] for p in _places(of, focus))]
        case fhirpath.Call(of, name, argument) if name in JUDGEMENTS:
            given = [] if argument is None else _values(argument, focus)
            return JUDGEMENTS[name](_values(of, focus), given)
        case _:
            return [place.item.value for place in _places(node, focus)]


def _is(item: Item, type: str) -> bool:
    """A path that begins with a type goes on where that is the type of what is looked at, and only there:
    else each criterion in a criterion could begin at the resource again, and multiply the work.
    """
    return item.type == type or (type in ABSTRACT and item.type in RESOURCE_TYPES)


def _members(item: Item, name: str) -> Iterator[Place]:
    known = elements_of(item)
    for key, items in item.fields.items():
        if name in (key, known[key].choice):
            yield from (Place(below, item, key) for below in items)


def _joined(ours: list[Any], theirs: list[Any], *, decides: bool) -> list[bool]:
    """FHIRPath's three-valued and, or: the value that decides wins over empty."""
    if [decides] in (ours, theirs):
        return [decides]
    return [not decides] if ours == theirs == [not decides] else []


def _compared(ours: list[Any], theirs: list[Any], negated: bool) -> list[bool]:
    """Whether two collections are equal; empty where one is, or has what is no value."""
    if not ours or not theirs or None in (*ours, *theirs):
        return []
    # True == 1 in Python, but not in FHIRPath.
    same = ours == theirs and [*map(type, ours)] == [*map(type, theirs)]
    return [same is not negated]


def _single(places: list[Place], _: int) -> list[Place]:
    if len(places) > 1:
        raise UnsupportedExpression("single() finds several elements")
    return places


def _text(judge: Callable[[str, str], bool]) -> Callable[[list[Any], list[Any]], list[bool]]:
    """A judgement of one text by another; empty where either is none."""

    def judged(ours: list[Any], theirs: list[Any]) -> list[bool]:
        match ours, theirs:
            case [str(text)], [str(part)]:
                return [judge(text, part)]
        return []

    return judged


PARTS: Final[Mapping[str, Callable[[list[Place], int], list[Place]]]] = {
    "last": lambda places, _: places[-1:],
    "single": _single,
    "skip": lambda places, number: places[number:],
    "tail": lambda places, _: places[1:],
    "take": lambda places, number: places[:number],
}
"""Functions that pick some of the elements; numbers are never negative, as the grammar has no sign."""
JUDGEMENTS: Final[Mapping[str, Callable[[list[Any], list[Any]], list[Any]]]] = {
    "contains": _text(lambda text, part: part in text),
    "count": lambda values, _: [len(values)],
    "empty": lambda values, _: [not values],
    "endsWith": _text(str.endswith),
    "hasValue": lambda values, _: [len(values) == 1 and values[0] is not None],
    "not": lambda values, _: [not values[0]] if values in ([True], [False]) else [],
    "startsWith": _text(str.startswith),
}
"""Functions that say something about the elements."""
