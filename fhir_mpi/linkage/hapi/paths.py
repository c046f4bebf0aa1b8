"""Where a match field looks: `resourcePath`, a dotted path of elements, and `fhirPath`."""

from collections.abc import Iterator
from typing import Final

from fhir_mpi.fhir.expression import compile_path
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.validation.elements import Element, children

CHOICE: Final = "[x]"


class InvalidPath(ValueError):
    """A path that leads nowhere; the text says why, as HAPI says it."""


def resource_path(path: str, type: str) -> str:
    """The FHIRPath of a resourcePath. InvalidPath where R5 has no such element.

    >>> resource_path("deceased[x]", "Patient"), resource_path("name.given", "Patient")
    ('deceased', 'name.given')
    """
    if type not in RESOURCE_TYPES:
        raise InvalidPath(
            f'HAPI-1684: Unknown resource name "{type}" (this name is not known in FHIR version "R5")'
        )
    names = path.rstrip(".").split(".")
    if not names[0]:
        raise InvalidPath(f"HAPI-1790: Invalid path: {type}.{path}")
    within = [type]
    for name in names:
        found = [element for owner in within for element in _named(owner, name)]
        if not found:
            valid = sorted({known for owner in within for known in _names(owner)})
            raise InvalidPath(
                f"HAPI-1700: Unknown child name '{name}' in element {within[0]} - Valid names are:"
                f" [{', '.join(valid)}]"
            )
        within = [element.type for element in found if not element.primitive] or [found[0].type]
    return ".".join(name.removesuffix(CHOICE) for name in names)


def fhir_path(path: str, type: str) -> str:
    """The FHIRPath itself. UnsupportedExpression where it can't be compiled."""
    compile_path(path, type)
    return path


def _named(owner: str, name: str) -> Iterator[Element]:
    for element in _children(owner):
        if element.name == name or (element.choice is not None and element.choice + CHOICE == name):
            yield element


def _names(owner: str) -> Iterator[str]:
    for element in _children(owner):
        yield element.name
        if element.choice is not None:
            yield element.choice + CHOICE


def _children(owner: str) -> list[Element]:
    """Of a primitive none: it has no type of its own."""
    try:
        return list(children(owner).values())
    except KeyError:
        return []
