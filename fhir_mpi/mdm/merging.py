"""What becomes of two records that are one person or thing: the survivor and the retired one.

A Patient says who replaced whom in `link`. Other types have no such element: they say it in the
extensions that HAPI FHIR uses for this.
"""

from collections.abc import Collection, Sequence
from typing import Final

from fhir_mpi.fhir.references import versionless
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.elements import children

REPLACES: Final = "replaces"
REPLACED_BY: Final = "replaced-by"
EXTENSION: Final = "http://hapifhir.io/fhir/StructureDefinition/"
LINKED: Final = "Patient"


def links(resource: Resource, kind: str) -> Sequence[str]:
    """What a record says to replace, or to be replaced by; without versions.

    >>> link = {"type": "replaces", "other": {"reference": "Patient/1"}}
    >>> links({"resourceType": "Patient", "link": [link]}, REPLACES)
    ['Patient/1']
    """
    if resource["resourceType"] == LINKED:
        others = [e.get("other") for e in resource.get("link", ()) if e and e.get("type") == kind]
    else:
        said = [e for e in resource.get("extension", ()) if e and e.get("url") == EXTENSION + kind]
        others = [e.get("valueReference") for e in said]
    return [versionless(other["reference"]) for other in others if other and "reference" in other]


def is_retired(resource: Resource) -> bool:
    """Whether another record took its place."""
    return bool(links(resource, REPLACED_BY))


def is_active(resource: Resource) -> bool:
    """A record that doesn't say is (as in HAPI FHIR)."""
    return resource.get("active") is not False


def has(type: str, element: str) -> bool:
    """Whether R5 gives resources of this type an element of that name."""
    return element in children(type)


def survivor(target: Resource, source: Resource, spellings: Collection[str], *, stays: bool) -> Resource:
    """The target with what it gets of the source: a link to it and, as `old`, the identifiers it lacks.

    `spellings` are what the source is called, the relative reference first. A source that doesn't stay
    leaves its identifiers only, and the target loses the links it has to it.
    """
    known = target.get("identifier", [])
    lacking = [i for i in source.get("identifier", ()) if i not in known and _old(i) not in known]
    found = {**target, "identifier": [*known, *map(_old, lacking)]} if lacking else target
    if not stays:
        return _without_links(found, spellings)
    if set(links(found, REPLACES)) & set(spellings):
        return found
    return _with_link(found, REPLACES, next(iter(spellings)))


def retired(source: Resource, target: str) -> Resource:
    """The source after it was replaced by `target`, a relative reference."""
    found = _with_link(source, REPLACED_BY, target)
    return {**found, "active": False} if has(source["resourceType"], "active") else found


def _old(identifier: Json) -> Json:
    return {**identifier, "use": "old"}


def _with_link(resource: Resource, kind: str, reference: str) -> Resource:
    other = {"reference": reference}
    if resource["resourceType"] == LINKED:
        return {**resource, "link": [*resource.get("link", ()), {"other": other, "type": kind}]}
    said = {"url": EXTENSION + kind, "valueReference": other}
    return {**resource, "extension": [*resource.get("extension", ()), said]}


def _without_links(resource: Resource, spellings: Collection[str]) -> Resource:
    if resource["resourceType"] != LINKED or "link" not in resource:
        return resource
    kept = [link for link in resource["link"] if not _says(link.get("other"), spellings)]
    rest = {key: value for key, value in resource.items() if key != "link"}
    return {**rest, "link": kept} if kept else rest


def _says(other: Json | None, spellings: Collection[str]) -> bool:
    return other is not None and versionless(other.get("reference", "")) in spellings
