"""Who refers to a resource, and the writes that make them refer to another one."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.references import repointed, spellings
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.heads import head_of
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import plan_update
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.search.filters import Equals, Or, Query
from fhir_mpi.search.registry import REFERENCES
from fhir_mpi.storage.port import Stored, Write

PAGE: Final = 1000
PROVENANCE: Final = "Provenance"
LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
OURS: Final = frozenset({"merge", "unmerge"})
"""Activities of the Provenances that record merges and their kin: what these say of the past stays so."""


async def referring(services: Services, type: str, id: str, base_url: str) -> AsyncIterator[Stored]:
    """Everything that refers to a resource in any element: one query for each served type, in pages.

    Left out are Provenances of merges, and golden records: those are made anew from their sources.
    """
    filter = Or(tuple(Equals(REFERENCES, text) for text in spellings(type, id, base_url)))
    for other in services.definitions.types:
        after: str | None = None
        while True:
            page = await services.store.search(Query(other, filter, PAGE, after=after))
            for stored in page.resources:
                itself = (stored.type, stored.id) == (type, id)
                if not (itself or records_a_merge(stored) or is_managed(stored.resource)):
                    yield stored
            after = page.next
            if after is None:
                break


async def referrers(
    services: Services, type: str, id: str, base_url: str, *, but: str, most: int | None = None
) -> Sequence[Stored]:
    """Those that refer to it, the one called `but` aside; one more than `most` where there are more."""
    found: list[Stored] = []
    async for stored in referring(services, type, id, base_url):
        if f"{stored.type}/{stored.id}" == but:
            continue
        found.append(stored)
        if most is not None and len(found) > most:
            break
    return found


def records_a_merge(stored: Stored) -> bool:
    return stored.type == PROVENANCE and not OURS.isdisjoint(_activities(stored.resource))


def _activities(provenance: Resource) -> Iterable[str]:
    codings = provenance.get("activity", {}).get("coding", ())
    return [coding.get("code", "") for coding in codings if coding.get("system") == LIFECYCLE]


async def plan_repointing(
    services: Services, found: Iterable[Stored], old: Sequence[str], new: str
) -> Sequence[Write]:
    """The next version of each of these, which says `new` wherever it said one of `old`."""
    writes = []
    for stored in found:
        resource = repointed(decode(stored.json), old, new)
        writes.append(plan_update(services, stored.type, stored.id, resource, head_of(stored)))
        await asyncio.sleep(0)  # ten thousand of them take seconds: other requests come between
    return writes
