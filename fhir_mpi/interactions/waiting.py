"""The queue of sources that wait to be linked: written with them, and worked on until it is empty."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from secrets import randbelow
from typing import Final

from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.interactions.arriving import Arrival, linked
from fhir_mpi.interactions.committing import CONFLICTS
from fhir_mpi.interactions.services import Services
from fhir_mpi.storage.port import Pending, Stored, UnitOfWork

UNIT: Final = 20
"""Sources that are linked in one transaction."""
POLL: Final = 2.0
"""Seconds after which the queue is looked at again: another process may have put something into it."""
PAUSE: Final = 0.02
"""Seconds at least that are left to others who are at the same records, longer after each conflict."""
MOST_CONFLICTS: Final = 5
"""In a row: from then on sources are linked one by one, and the pauses grow no longer."""


@asynccontextmanager
async def linking(services: Services) -> AsyncIterator[None]:
    """Inside, what waits is linked as it comes."""
    if not services.mdm.linked_types:
        yield
        return
    task = asyncio.create_task(_link_as_it_comes(services))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def drain(services: Services) -> int:
    """Links everything that waits; how many sources that were."""
    done = conflicts = 0
    while waiting := await services.store.pending(limit=UNIT):
        async with services.mdm.line if conflicts else nullcontext():
            linked_now = await link_pending(services, _some(waiting, conflicts))
        done += linked_now
        conflicts = 0 if linked_now else min(conflicts + 1, MOST_CONFLICTS)
        if conflicts:
            await asyncio.sleep(PAUSE * (1 + randbelow(2**conflicts)))
    return done


async def link_pending(services: Services, waiting: Sequence[Pending]) -> int:
    """Links these together, those of each type; how many it could."""
    done = 0
    for type in dict.fromkeys(each.type for each in waiting):
        group = [each for each in waiting if each.type == type]
        with suppress(*CONFLICTS):
            await services.keys.commit(await relinking(services, type, group))
            done += len(group)
    return done


def _some(waiting: Sequence[Pending], conflicts: int) -> Sequence[Pending]:
    """All of these; after each conflict half as many, from anywhere: others begin with the same ones."""
    number = max(1, len(waiting) >> conflicts)
    first = randbelow(len(waiting) - number + 1)
    return waiting[first : first + number]


async def _link_as_it_comes(services: Services) -> None:
    while True:
        services.mdm.waiting.clear()
        with suppress(Unavailable):  # it is looked at again
            await drain(services)
        with suppress(TimeoutError):
            await asyncio.wait_for(services.mdm.waiting.wait(), POLL)


async def relinking(services: Services, type: str, group: Sequence[Pending]) -> UnitOfWork:
    """What links the current versions of these; those that are gone for good just leave the queue."""
    if not services.mdm.links(type):
        return UnitOfWork((), settled=group)
    stored = await _current(services, type, [each.id for each in group])
    work = await linked(services, type, [Arrival(each) for each in stored])
    return replace(work, settled=[*work.settled, *group], standing=stored)


async def _current(services: Services, type: str, ids: Sequence[str]) -> list[Stored]:
    found = list(await services.store.read_many(type, ids))
    missing = [id for id in ids if id not in {stored.id for stored in found}]
    return found + [stored for id in missing if (stored := await services.store.read(type, id)) is not None]
