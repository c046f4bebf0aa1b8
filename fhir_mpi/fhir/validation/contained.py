"""Resources inside a resource: what may be in them, and that something names them (dom-2 to dom-5)."""

from collections.abc import Iterator
from typing import Any, Final

from fhir_mpi.fhir.types import Json, Resource

CONTAINER: Final = ""  # the id under which `#` names the container itself


def contained_in(resource: Resource) -> list[tuple[int, Resource]]:
    """The contained resources with their index; what is no object is the schema's business.

    >>> contained_in({"contained": [{"id": "a"}, None]})
    [(0, {'id': 'a'})]
    """
    found = resource.get("contained")
    listed = found if isinstance(found, list) else []
    return [(index, inner) for index, inner in enumerate(listed) if isinstance(inner, dict)]


def problems(resource: Resource) -> Iterator[tuple[str, str]]:
    """What is wrong with the containment as a whole, as `(text, FHIRPath after the resource)`."""
    seen: set[str] = set()
    inners = contained_in(resource)
    reached = _reached(resource, inners) if inners else set()
    for index, inner in inners:
        for text in _own_problems(inner):
            yield text, f".contained[{index}]"
        own_id = inner.get("id")
        if not isinstance(own_id, str):
            yield "a contained resource needs an id", f".contained[{index}]"
        elif own_id in seen:
            yield "the id of a contained resource stands twice", f".contained[{index}].id"
        elif own_id not in reached:
            yield "dom-3: nothing refers to the contained resource", f".contained[{index}]"
        seen.add(str(own_id))


def _own_problems(inner: Resource) -> Iterator[str]:
    if "contained" in inner:
        yield "dom-2: a contained resource must not contain resources"
    meta = inner.get("meta")
    if isinstance(meta, dict):
        if "versionId" in meta or "lastUpdated" in meta:
            yield "dom-4: a contained resource must not have a version or a time of update"
        if "security" in meta:
            yield "dom-5: a contained resource must not have a security label"


def _reached(resource: Resource, inners: list[tuple[int, Resource]]) -> set[str]:
    """The ids that something outside of them leads to; a ring of resources that only name each other is lost.

    A contained resource that refers to its container (`#`) needs no reference to itself: it leads like
    the container does.
    """
    names = {str(inner.get("id")): _local(inner) for _, inner in inners}
    outside = {key: value for key, value in resource.items() if key != "contained"}
    reached = {own_id for own_id, named in names.items() if CONTAINER in named}
    waiting = [*_local(outside), *reached]
    while waiting:
        own_id = waiting.pop()
        reached.add(own_id)
        waiting.extend(named for named in names.get(own_id, ()) if named not in reached)
    return reached


def _local(value: Json) -> frozenset[str]:
    """Every id that a string `#id` in the value names."""
    return frozenset(text[1:] for text in _strings(value) if text.startswith("#"))


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
