"""Whether what the store keeps beside each resource was made by the definitions that run now.

Index entries come from the search parameters, blocking keys and features from the linkage model. A
store remembers the digest of both per type; other digests mean searches and matches would miss records.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from fhir_mpi.interactions.intake import Intake
from fhir_mpi.search.filters import EVERYTHING
from fhir_mpi.storage.port import Store

MARK: Final = "derived:"
BATCH: Final = 1000


class StaleIndex(Exception):
    """The store was written with other definitions; `fhir-mpi reindex` brings it up to date."""


def digests(intake: Intake, types: tuple[str, ...]) -> Mapping[str, str]:
    """What shapes the derived data of each type, as one short text per type."""
    return {
        type: f"{intake.search.digest(type)}/{intake.models[type].digest if type in intake.models else '-'}"
        for type in types
    }


async def settle(store: Store, intake: Intake, types: tuple[str, ...]) -> None:
    """Marks types that have no resources yet; raises StaleIndex naming those that need a reindex."""
    stale = []
    for type, digest in digests(intake, types).items():
        known = await store.mark(MARK + type)
        if known == digest:
            continue
        if await store.count(type, EVERYTHING) == 0:
            await store.set_mark(MARK + type, digest, expected=known)
        else:
            stale.append(type)
    if stale:
        raise StaleIndex(
            f"{', '.join(stale)}: indexed by other search parameters or another linkage model; run"
            " `fhir-mpi reindex`"
        )


async def reindex(store: Store, intake: Intake, type: str) -> AsyncIterator[int]:
    """Derives everything anew for one type; yields how many resources are done, batch by batch."""
    known = await store.mark(MARK + type)
    batch, done = {}, 0
    async for stored in store.scan(type):
        batch[stored.id] = (stored.version, *intake.derived(stored.resource))
        if len(batch) == BATCH:
            await store.replace_index(type, batch)
            done += len(batch)
            batch = {}
            yield done
    if batch:
        await store.replace_index(type, batch)
    await store.set_mark(MARK + type, digests(intake, (type,))[type], expected=known)
    yield done + len(batch)
