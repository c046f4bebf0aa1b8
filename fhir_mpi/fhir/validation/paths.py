"""Places in a resource: kept as a chain while walking, written as FHIRPath where an issue needs one."""

from collections.abc import Iterable
from typing import TypeAlias

# (parent, element name) or (parent, index); the innermost parent is the name of the root.
Place: TypeAlias = "str | tuple[Place, str | int]"


def expression(root: str, path: Iterable[str | int]) -> str:
    """FHIRPath of a JSON path.

    >>> expression("Patient", ["name", 0, "_given", 1])
    'Patient.name[0]._given[1]'
    """
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def written(place: Place) -> str:
    """FHIRPath of a place.

    >>> written((("Patient", "name"), 0))
    'Patient.name[0]'
    """
    steps: list[str | int] = []
    while not isinstance(place, str):
        place, step = place
        steps.append(step)
    return expression(place, reversed(steps))


def element_path(place: Place) -> str:
    """The path of the definition: without indices, without the underscore of a primitive's sibling.

    >>> element_path((("Patient", "name"), 0))
    'Patient.name'
    """
    steps: list[str] = []
    while not isinstance(place, str):
        place, step = place
        if isinstance(step, str):
            steps.append(step.removeprefix("_"))
    return ".".join([place.rpartition("/")[2], *reversed(steps)])
