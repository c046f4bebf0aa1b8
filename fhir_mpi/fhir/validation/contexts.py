"""Where an extension may stand (R5 defining-extensions.html#context)."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.elements import children
from fhir_mpi.fhir.validation.paths import Place

_ANY_RESOURCE: Final = ("Resource", "DomainResource")
_KINDS: Final = frozenset({"element", "extension"})


@dataclass(frozen=True, slots=True)
class Contexts:
    """Elements by path or type, and urls of extensions, that an extension may be on."""

    elements: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()

    def allow(self, element: Iterable[str], url: object) -> bool:
        """Whether an element of these names, or an extension of this url, may have the extension."""
        if not self.elements and not self.extensions:
            return True
        return url in self.extensions or not self.elements.isdisjoint(element)


def contexts(given: Collection[Json]) -> Contexts:
    """The contexts of an extension's definition. ValueError for one of a kind that can't be checked."""
    for context in given:
        if context["type"] not in _KINDS:
            raise ValueError(
                f"the context {context['expression']} is {context['type']}, which is not supported"
            )
    by_kind = {
        kind: frozenset(c["expression"] for c in given if c["type"] == kind) for kind in sorted(_KINDS)
    }
    return Contexts(by_kind["element"], by_kind["extension"])


def names_of(type_name: str, steps: Iterable[str]) -> Iterator[str]:
    """Every name under which a context can mean an element: its paths and its types.

    >>> sorted(names_of("Patient", ["name", "given"]))
    ['Element', 'HumanName.given', 'Patient.name.given', 'PrimitiveType', 'string']
    >>> sorted(names_of("Person", []))
    ['DomainResource', 'Element', 'Person', 'Resource']
    """
    paths, current = [type_name], type_name
    kinds = [*_ANY_RESOURCE] if type_name in RESOURCE_TYPES else []
    for step in steps:
        element = children(current).get(step)
        if element is None:
            break
        paths = [f"{path}.{step}" for path in paths]
        is_backbone = element.type.startswith(current) and not element.primitive
        kinds = ["BackboneElement" if is_backbone else "PrimitiveType" if element.primitive else "DataType"]
        if element.primitive:
            yield from (*paths, element.type, *kinds, "Element")
            return
        current = element.type
        paths = paths if is_backbone else [*paths, current]
    yield from (*paths, *kinds, "Element")


def steps_to(place: Place, root: Place) -> list[str]:
    """The element names from a resource to a place, without indices and underscores.

    >>> steps_to((((("Bundle", "entry"), 0), "resource"), "_id"), ((("Bundle", "entry"), 0), "resource"))
    ['id']
    """
    steps: list[str] = []
    current: Any = place
    while current != root and not isinstance(current, str):
        current, step = current
        if isinstance(step, str):
            steps.append(step.removeprefix("_"))
    return steps[::-1]
