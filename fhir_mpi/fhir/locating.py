"""Where in a resource the elements stand that a FHIRPath names (R5 fhirpatch.html)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fhir_mpi.fhir import fhirpath
from fhir_mpi.fhir.fhirpath import Node, UnsupportedExpression
from fhir_mpi.fhir.tree import Item, elements_of

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
    if len(path) > LONGEST or path.count("(") > DEEPEST:
        raise UnsupportedExpression("it is too long")
    root = Place(resource)
    try:
        node = fhirpath.parse(path)
    except UnsupportedExpression:
        raise
    except ValueError as error:
        raise UnsupportedExpression("an index is a number") from error
    return _Reading(root).places(node, root)


@dataclass(frozen=True, slots=True)
class _Reading:
    root: Place

    def places(self, node: Node, focus: Place) -> list[Place]:
        match node:
            case fhirpath.Focus():
                return [focus]
            case fhirpath.Root(type):
                return [self.root] if type == self.root.item.type or type in ABSTRACT else []
            case fhirpath.Item(of, position):
                return self.places(of, focus)[position : position + 1]
            case fhirpath.Union(parts):
                found = {id(p.item): p for part in parts for p in self.places(part, focus)}
                return list(found.values())
            case fhirpath.Where(of, criterion):
                return [p for p in self.places(of, focus) if self.holds(criterion, p)]
            case _:
                return self.below(node, focus)

    def below(self, node: Node, focus: Place) -> list[Place]:
        match node:
            case fhirpath.Member(of, name):
                return [below for p in self.places(of, focus) for below in _members(p.item, name)]
            case fhirpath.OfType(of, name, type):
                key = f"{name}{type[0].upper()}{type[1:]}"
                return [below for p in self.places(of, focus) for below in _members(p.item, key)]
            case fhirpath.Extension(of, url):
                found = [below for p in self.places(of, focus) for below in _members(p.item, "extension")]
                return [p for p in found if [u.item.value for u in _members(p.item, "url")] == [url]]
            case _:
                raise UnsupportedExpression("it names no element")

    def holds(self, node: Node, focus: Place) -> bool:
        match node:
            case fhirpath.Both(left, right):
                return self.holds(left, focus) and self.holds(right, focus)
            case fhirpath.Exists(of):
                return bool(self.places(of, focus))
            case fhirpath.Equal(left, right, negated):
                one, other = self.values(left, focus), self.values(right, focus)
                return bool(one and other) and (one == other) is not negated
            case _:
                return self.values(node, focus) == [True]

    def values(self, node: Node, focus: Place) -> list[Any]:
        if isinstance(node, fhirpath.Literal):
            return [node.value]
        return [place.item.value for place in self.places(node, focus)]


def _members(item: Item, name: str) -> Iterator[Place]:
    known = elements_of(item)
    for key, items in item.fields.items():
        if name in (key, known[key].choice):
            yield from (Place(below, item, key) for below in items)
