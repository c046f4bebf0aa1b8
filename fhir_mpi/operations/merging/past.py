"""Merges that were, as their Provenances tell: which versions they made, and how those are taken back."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.references import LOGICAL_ID
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.heads import head_of
from fhir_mpi.interactions.referring import LIFECYCLE, PROVENANCE
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import plan_update
from fhir_mpi.mdm.unmerging import Collision, without
from fhir_mpi.search.filters import And, Equals, Query, Sort
from fhir_mpi.search.registry import REFERENCES
from fhir_mpi.storage.port import Stored, Write

VERSIONED: Final = re.compile(rf"([A-Z][A-Za-z]*)/({LOGICAL_ID})/_history/([1-9][0-9]*)")
AT_ONCE: Final = 100
"""Resources that are looked at at the same time."""
CHANGED: Final = (
    "HAPI-2732: The resource cannot be restored because the current version of resource {place}"
    " ({now}) does not match the expected version ({version})"
)
GONE: Final = "HAPI-2751: The resource cannot be restored because {place} was deleted after the merge"


@dataclass(frozen=True, slots=True)
class Made:
    """A version that a merge made."""

    type: str
    id: str
    version: int

    @property
    def place(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a resource can't be restored: an HTTP status, an issue code and a text."""

    made: Made
    status: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge that was recorded; `made` are the versions, the survivor's first, the retired one's second."""

    id: str
    made: Sequence[Made]


async def last_merge(services: Services, source: str, target: str) -> Merge | None:
    """The latest merge of these two that was not undone; both are relative references."""
    filter = And(
        (
            Equals(REFERENCES, source),
            Equals(REFERENCES, target),
            Equals("activity", f"{LIFECYCLE}|merge"),
        )
    )
    after: str | None = None
    while True:
        latest = (Sort("recorded", descending=True),)
        page = await services.store.search(Query(PROVENANCE, filter, AT_ONCE, latest, after))
        for stored in page.resources:
            made = versions(stored.resource)
            pair = [version.place for version in made[:2]]
            if pair == [target, source] and not await _is_undone(services, stored):
                return Merge(stored.id, made)
        after = page.next
        if after is None:
            return None


def versions(record: Resource) -> Sequence[Made]:
    """What the Provenance of a merge says that it made."""
    said = [VERSIONED.fullmatch(target.get("reference", "")) for target in record["target"]]
    return [Made(found[1], found[2], int(found[3])) for found in said if found]


async def _is_undone(services: Services, record: Stored) -> bool:
    filter = And(
        (Equals(REFERENCES, f"{PROVENANCE}/{record.id}"), Equals("activity", f"{LIFECYCLE}|unmerge"))
    )
    return await services.store.count(PROVENANCE, filter) > 0


async def plan_restoring(
    services: Services, made: Sequence[Made]
) -> tuple[Sequence[Write], Sequence[Obstacle]]:
    """A write for each that can be as it was before, and what is in the way of the others."""
    writes: list[Write] = []
    obstacles: list[Obstacle] = []
    for start in range(0, len(made), AT_ONCE):
        some = made[start : start + AT_ONCE]
        current = await _current(services, some)
        for found in await asyncio.gather(*(_restore(services, each, current) for each in some)):
            (writes if isinstance(found, Write) else obstacles).append(found)  # type: ignore[arg-type]
    return writes, obstacles


async def _current(services: Services, made: Iterable[Made]) -> Mapping[str, Stored]:
    by_type: dict[str, list[str]] = {}
    for each in made:
        by_type.setdefault(each.type, []).append(each.id)
    found = [s for type, ids in by_type.items() for s in await services.store.read_many(type, ids)]
    return {f"{stored.type}/{stored.id}": stored for stored in found}


async def _restore(services: Services, made: Made, current: Mapping[str, Stored]) -> Write | Obstacle:
    now = current.get(made.place) or await services.store.read(made.type, made.id)
    before = await services.store.read_version(made.type, made.id, made.version - 1)
    if now is None or before is None or before.deleted:
        return Obstacle(made, 410, "deleted", GONE.format(place=made.place))
    if now.version == made.version:
        return plan_update(services, made.type, made.id, decode(before.json), head_of(now))
    if now.deleted:
        return Obstacle(made, 410, "deleted", GONE.format(place=made.place))
    after = await services.store.read_version(made.type, made.id, made.version)
    if after is None or after.deleted:
        return _changed(made, now, "")
    try:
        restored = without(decode(before.json), decode(after.json), decode(now.json))
    except Collision as collision:
        return _changed(made, now, f": {', '.join(collision.elements)} was changed since")
    return plan_update(services, made.type, made.id, restored, head_of(now))


def _changed(made: Made, now: Stored, why: str) -> Obstacle:
    text = CHANGED.format(place=made.place, now=now.version, version=made.version)
    return Obstacle(made, 409, "conflict", text + why)
