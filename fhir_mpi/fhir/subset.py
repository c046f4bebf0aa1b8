"""Parts of a resource: `_summary` and `_elements` (R5 search.html#summary, search.html#elements)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.elements import Element, children

SUMMARIES: Final = ("true", "text", "data")
SUBSETTED: Final[Mapping[str, str]] = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}
ALWAYS: Final = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension"})
MODIFIERS: Final[Mapping[str, frozenset[str]]] = {
    "Patient": frozenset({"active", "deceased", "link"}),
    "Organization": frozenset({"active"}),
    "Person": frozenset({"active"}),
    "Practitioner": frozenset({"active"}),
    "RelatedPerson": frozenset({"active"}),
}
"""Elements that change what the others mean (isModifier), which `fhir.resources` does not tell."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A part that was asked for: a summary of SUMMARIES, or else the top-level elements by name."""

    summary: str | None = None
    elements: frozenset[str] = frozenset()


def subset(resource: Resource, shape: Shape) -> Resource:
    """A copy with that part only, tagged as SUBSETTED.

    What is mandatory and what modifies the meaning of the rest is always there.

    >>> whole = {"resourceType": "Patient", "id": "a", "birthDate": "1980", "photo": [{"title": "me"}]}
    >>> list(subset(whole, Shape("true"))), list(subset(whole, Shape(elements=frozenset({"photo"}))))
    (['resourceType', 'id', 'birthDate', 'meta'], ['resourceType', 'id', 'photo', 'meta'])
    """
    kept = _part(resource, shape)
    meta = {**resource.get("meta", {})}
    meta["tag"] = [*(tag for tag in meta.get("tag", ()) if not is_subsetted(tag)), SUBSETTED]
    return {**kept, "meta": meta}


def is_subsetted(tag: Any) -> bool:
    """Whether a tag says that its resource is only a part."""
    return isinstance(tag, dict) and all(tag.get(key) == SUBSETTED[key] for key in ("system", "code"))


def is_part(resource: Resource) -> bool:
    """Whether a resource is tagged as a part of one."""
    meta = resource.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    return isinstance(tags, list) and any(is_subsetted(tag) for tag in tags)


def _part(resource: Resource, shape: Shape) -> Resource:
    type = resource["resourceType"]
    match shape.summary:
        case "true":
            return _summary(type, resource)
        case "data":
            return {key: value for key, value in resource.items() if key != "text"}
        case "text":
            return _named(resource, _mandatory(type) | {"text"})
        case _:
            return _named(resource, _mandatory(type) | _modifiers(type) | _spelled(type, shape.elements))


def _named(resource: Resource, names: Collection[str]) -> Resource:
    return {
        key: value
        for key, value in resource.items()
        if key in ALWAYS or key in names or key.removeprefix("_") in names
    }


def _summary(type: str, value: Json) -> Json:
    """The elements of a resource or datatype that its definition marks as summary, at every level."""
    elements, found = _summarised(type), {}
    for key, inner in value.items():
        element = elements.get(key.removeprefix("_"))
        if key in ALWAYS or (element is not None and (element.primitive or element.type == "Resource")):
            found[key] = inner
        elif element is not None and (part := _inner_summary(element.type, inner)):
            found[key] = part
    return found


def _inner_summary(type: str, value: Any) -> Any:
    if isinstance(value, list):
        return [part for item in value if (part := _inner_summary(type, item))]
    return _summary(type, value) if isinstance(value, dict) else value


@lru_cache(maxsize=256)
def _summarised(type: str) -> Mapping[str, Element]:
    return {name: e for name, e in children(type).items() if e.summary or e.required}


@lru_cache(maxsize=256)
def _mandatory(type: str) -> frozenset[str]:
    return frozenset(name for name, element in children(type).items() if element.required)


@lru_cache(maxsize=256)
def _modifiers(type: str) -> frozenset[str]:
    return _spelled(type, MODIFIERS.get(type, frozenset()))


@lru_cache(maxsize=1024)
def _spelled(type: str, names: frozenset[str]) -> frozenset[str]:
    """The names as JSON spells them: `Patient.name` without its type, `deceased[x]` as each of its types."""
    asked = {name.removeprefix(f"{type}.").removesuffix("[x]") for name in names}
    return frozenset(name for name, element in children(type).items() if {name, element.choice} & asked)
