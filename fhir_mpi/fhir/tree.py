"""A resource as a tree in which every element, also a primitive one, can be pointed at and changed.

JSON keeps a primitive in two places (`birthDate`, `_birthDate`) and a list of one unlike a single element
(R5 json.html#primitive); here each is an Item in the list of its name.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.elements import ANY_RESOURCE, Element, children

PLAIN: Final = "Element"


@dataclass(slots=True, eq=False)
class Item:
    """One element: `value` is that of a primitive, `fields` what is below it by JSON name, never empty."""

    type: str
    primitive: bool
    value: Any = None
    fields: dict[str, list["Item"]] = field(default_factory=dict)


def elements_of(item: Item) -> dict[str, Element]:
    """What R5 allows below an item, by JSON name."""
    return dict(children(PLAIN if item.primitive else item.type))


def grown(type: str, json: Any) -> Item:
    """The tree of a resource or complex datatype. KeyError or TypeError where it has what R5 doesn't know."""
    kind = json["resourceType"] if type == ANY_RESOURCE else type
    return Item(kind, primitive=False, fields=_fields(kind, json))


def planted(element: Element, value: Any, sibling: Json | None = None) -> Item:
    """One item of an element; `sibling` is what stands below `_name`."""
    if element.primitive:
        return Item(element.type, primitive=True, value=value, fields=_fields(PLAIN, sibling or {}))
    return grown(element.type, value)


def _fields(type: str, json: Json) -> dict[str, list[Item]]:
    known = children(type)
    names = dict.fromkeys(key.removeprefix("_") for key in json if key != "resourceType")
    return {
        name: [
            planted(known[name], value, sibling)
            for value, sibling in zip_longest(_listed(json.get(name)), _listed(json.get(f"_{name}")))
        ]
        for name in names
    }


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def written(item: Item) -> Json:
    """The JSON of a tree.

    >>> patient = {"resourceType": "Patient", "birthDate": "1970", "_birthDate": {"id": "b"}}
    >>> written(grown("Patient", patient)) == patient
    True
    """
    known = elements_of(item)
    found: Json = {"resourceType": item.type} if item.type in RESOURCE_TYPES else {}
    for name, items in item.fields.items():
        if not known[name].primitive:
            found[name] = _as_json(known[name], (written(one) for one in items))
            continue
        if any(one.value is not None for one in items):
            found[name] = _as_json(known[name], (one.value for one in items))
        if any(one.fields for one in items):
            found[f"_{name}"] = _as_json(known[name], (written(one) or None for one in items))
    return found


def _as_json(element: Element, values: Iterable[Any]) -> Any:
    listed = list(values)
    return listed if element.many else listed[0]
