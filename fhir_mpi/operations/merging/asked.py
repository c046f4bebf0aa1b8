"""What a merge is asked to do: its parameters, and the two records that they mean."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_mpi.fhir.operation_definition import inputs, value_key
from fhir_mpi.fhir.outcome import Issue
from fhir_mpi.fhir.references import local_reference, written_type
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.merging import refusing
from fhir_mpi.operations.merging.refusing import Refused, refuse
from fhir_mpi.search.filters import And, Equals, Query
from fhir_mpi.search.term import cut
from fhir_mpi.storage.port import Stored

DEFAULT_LIMIT: Final = 512
"""HAPI's own bound of the resources that a merge changes at once."""
VERSION: Final = re.compile(r"/_history/([A-Za-z0-9\-.]{1,64})\Z")


@dataclass(frozen=True, slots=True)
class Side:
    """Source or target as the caller names it; `role` is which, the others are names of parameters."""

    role: str
    reference: str
    identifier: str
    named: Json | None
    identifiers: Sequence[Json]

    def says(self, text: str, **more: str) -> str:
        """One of the texts of `refusing`, about this side."""
        names = {"role": self.role, "Role": self.role.capitalize(), "reference": self.reference}
        return text.format(**names, identifier=self.identifier, **more)


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a merge of resources of `type`; `noun` ends the names of those that are of it."""

    type: str
    noun: str
    base_url: str
    source: Side
    target: Side
    result: Resource | None
    preview: bool
    delete_source: bool
    limit: int

    @property
    def result_name(self) -> str:
        return f"result-{self.noun}"


def asked(services: Services, call: Call, noun: str) -> Asked:
    """Refused with everything that is wrong with the parameters."""
    given, most = call.parameters, services.limits.bundle_entries
    found = Asked(
        type=call.type or "",
        noun=noun,
        base_url=call.base_url,
        source=_side(given, "source", noun),
        target=_side(given, "target", noun),
        result=given.get(f"result-{noun}"),
        preview=given.get("preview", False),
        delete_source=given.get("delete-source", False),
        limit=min(given.get("batch-size", DEFAULT_LIMIT), most),
    )
    issues = [issue for side in (found.source, found.target) for issue in _problems(found, side)]
    if issues:
        raise Refused(400, issues)
    return found


def input_parameters(definition: Resource, given: Json) -> Resource:
    """The Parameters that a call came with."""
    parts = [
        {"name": spec["name"], value_key(spec["type"]): value}
        for spec in inputs(definition)
        for value in _listed(given.get(spec["name"]))
    ]
    return {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}


def _listed(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _side(given: Json, role: str, noun: str) -> Side:
    reference, identifier = f"{role}-{noun}", f"{role}-{noun}-identifier"
    return Side(role, reference, identifier, given.get(reference), given.get(identifier, ()))


def _problems(asked: Asked, side: Side) -> Iterator[Issue]:
    if side.named is None and not side.identifiers:
        yield Issue("required", side.says(refusing.NO_RESOURCE))
    elif side.named is not None and side.identifiers:
        yield Issue("required", side.says(refusing.NOT_BOTH))
    elif side.named is not None and not side.named.get("reference"):
        yield Issue("required", side.says(refusing.NO_REFERENCE))
    elif side.named is not None:
        other = written_type(side.named["reference"])
        if other not in (None, asked.type):
            yield Issue("invalid", side.says(refusing.OTHER_TYPE, type=asked.type, other=str(other)))


async def resolved(services: Services, asked: Asked, side: Side) -> Stored:
    """The record that a side means; Refused where that is none, or not one."""
    if side.named is not None:
        return await _referred(services, asked, side, side.named["reference"])
    filter = And(tuple(Equals("identifier", _entry(i)) for i in side.identifiers))
    page = await services.store.search(Query(asked.type, filter, 2)) if _known(services, asked) else None
    found = page.resources if page else []
    if not found:
        raise refuse(422, "not-found", side.says(refusing.NO_MATCH))
    if len(found) > 1:
        raise refuse(422, "multiple-matches", side.says(refusing.SEVERAL))
    return found[0]


async def known_place(services: Services, asked: Asked, side: Side) -> str:
    """The relative reference of what a side means, which may be deleted if it is named by a reference."""
    if side.named is None:
        return reference_of(await resolved(services, asked, side))
    place = local_reference(side.named["reference"], asked.base_url)
    if place is None or not await services.store.heads(asked.type, [place[1]]):
        raise refuse(422, "not-found", side.says(refusing.NOT_FOUND))
    return f"{place[0]}/{place[1]}"


def _known(services: Services, asked: Asked) -> bool:
    return "identifier" in services.intake.search.parameters(asked.type)


async def _referred(services: Services, asked: Asked, side: Side, reference: str) -> Stored:
    place = local_reference(reference, asked.base_url)
    found = await services.store.read(asked.type, place[1]) if place and place[0] == asked.type else None
    if found is None or found.deleted:
        raise refuse(422, "not-found", side.says(refusing.NOT_FOUND))
    version = VERSION.search(reference)
    if version and version[1] != str(found.version):
        raise refuse(422, "conflict", side.says(refusing.NOT_LATEST))
    return found


def _entry(identifier: Json) -> str:
    """How the index writes an identifier."""
    system, value = identifier.get("system"), identifier.get("value", "")
    return cut(f"={value}" if system is None else f"{system}|{value}")


def reference_of(stored: Stored) -> str:
    return f"{stored.type}/{stored.id}"


def has_all(resource: Resource, identifiers: Sequence[Any]) -> bool:
    """Whether it has an identifier with the system and value of each of these."""
    own = [(i.get("system"), i.get("value")) for i in resource.get("identifier", ())]
    return all((i.get("system"), i.get("value")) in own for i in identifiers)
