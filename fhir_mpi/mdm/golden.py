"""Golden records: what one is made of, from its sources alone, and what becomes of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.mdm import tags
from fhir_mpi.mdm.eid import INTERNAL, Eid, eid_identifiers, internal_eids
from fhir_mpi.mdm.rules import MdmRules
from fhir_mpi.mdm.survivorship import Elements, Member, Origin, element_of, origin_json, survived

ORIGIN: Final = "https://fhir-mpi.github.io/fhir/StructureDefinition/golden-origin"
BY_HAND: Final = "manual"
"""The rule of an element that a person gave, which survivorship leaves as it is."""
Survive: TypeAlias = Callable[[str, Sequence[Member], Resource], Resource]
"""What a plugin makes of a golden record: type, sources, the record as the rules made it."""


@dataclass(frozen=True, slots=True)
class Making:
    """What a golden record is made by: `new_eid` gives one where no source has any."""

    rules: MdmRules
    new_eid: Callable[[], str]
    survive: Survive | None = None


def golden_resource(
    making: Making, type: str, members: Sequence[Member], before: Resource | None, *, blocked: bool = False
) -> Resource:
    """The golden record of these sources, over what it was. The same sources give the same record, but
    for an EID that is made here, and what a person gave when two were merged: these stay.
    """
    elements, origins = survived(making.rules.survivorship_of(type), members)
    given = _given(before)
    elements = {**elements, **given}
    kept = {element_of(key) for key in given}
    origins = [origin for origin in origins if origin.element not in kept]
    origins += [Origin(name, (), BY_HAND) for name in sorted(kept)]
    found: Resource = {"resourceType": type, "meta": _meta(blocked), "active": True, **elements}
    found["extension"] = [*_plain(elements.get("extension")), *_told(type, origins)]
    found["identifier"] = _identifiers(making, members, before, elements.get("identifier") or ())
    return making.survive(type, members, found) if making.survive else found


def redirected(golden: Resource) -> Resource:
    """The golden record as it stays behind when it was merged into another."""
    meta = {**golden["meta"], "tag": [tags.MANAGED, tags.REDIRECTED]}
    return {**golden, "meta": meta, "active": False}


def given_by_hand(golden: Resource, given: Resource) -> Resource:
    """The golden record with those elements of `given` that a person may give: all but metadata, id and
    identifiers.
    """
    fixed = {"resourceType", "id", "meta", "identifier", "extension", "contained"}
    elements = {key: value for key, value in given.items() if key not in fixed}
    names = sorted({element_of(key) for key in elements})
    kept = {key: value for key, value in golden.items() if element_of(key) not in names}
    told = [
        extension
        for extension in golden.get("extension") or ()
        if extension.get("url") != ORIGIN or _part(extension, "element", "valueString") not in names
    ]
    own = [origin_json(golden["resourceType"], Origin(name, (), BY_HAND), ORIGIN) for name in names]
    return {**kept, **elements, "extension": [*told, *own]}


def golden_eids(golden: Resource, rules: MdmRules) -> frozenset[Eid]:
    """The EIDs of others that a golden record has."""
    return rules.eids.of(golden)


def _meta(blocked: bool) -> Json:
    return {"tag": [tags.MANAGED, tags.GOLDEN, *([tags.BLOCKED] if blocked else ())]}


def _identifiers(
    making: Making, members: Sequence[Member], before: Resource | None, others: Iterable[Json]
) -> list[Json]:
    """EIDs first: those of the sources, or the one that was made here, which is made now where none was."""
    external = {eid for member in members for eid in making.rules.eids.of(member.resource)}
    eids: Iterable[Eid] = external
    if not external:
        eids = (internal_eids(before) if before else None) or {(INTERNAL, making.new_eid())}
    known = {*eids}
    rest = [
        i for i in others if (i.get("system"), i.get("value")) not in known and i.get("system") != INTERNAL
    ]
    return [*eid_identifiers(eids), *rest]


def _given(before: Resource | None) -> Elements:
    """What a person gave."""
    told = (before or {}).get("extension") or ()
    by_hand = {
        _part(extension, "element", "valueString")
        for extension in told
        if extension.get("url") == ORIGIN and _part(extension, "rule", "valueCode") == BY_HAND
    }
    return {key: value for key, value in (before or {}).items() if element_of(key) in by_hand}


def _told(type: str, origins: Iterable[Origin]) -> list[Json]:
    return [origin_json(type, origin, ORIGIN) for origin in origins]


def _plain(extensions: Any) -> list[Json]:
    return [extension for extension in extensions or () if extension.get("url") != ORIGIN]


def _part(extension: Json, url: str, key: str) -> Any:
    return next((part.get(key) for part in extension.get("extension", ()) if part.get("url") == url), None)
