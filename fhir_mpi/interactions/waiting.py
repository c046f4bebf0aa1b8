"""The queue of sources that wait to be linked: written with them, and worked on until it is empty."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Final

from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.interactions.arriving import Arrival, linked
from fhir_mpi.interactions.committing import ATTEMPTS, CONFLICTS
from fhir_mpi.interactions.services import Services
from fhir_mpi.storage.port import Pending, Stored, UnitOfWork

UNIT: Final = 20
"""Sources that are linked in one transaction."""
POLL: Final = 2.0
"""Seconds after which the queue is looked at again: another process may have put something into it."""
PAUSE: Final = 0.02
"""Seconds to leave to others who are at the same records."""


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
    done = 0
    while waiting := await services.store.pending(limit=UNIT):
        linked_now = await link_pending(services, waiting)
        done += linked_now
        if not linked_now:
            await asyncio.sleep(PAUSE)
    return done


async def link_pending(services: Services, waiting: Sequence[Pending]) -> int:
    """Links these together, or where others are at the same records again and again one by one; how many
    it could.
    """
    done = 0
    for type in dict.fromkeys(each.type for each in waiting):
        group = [each for each in waiting if each.type == type]
        if await _linked(services, type, group, attempts=ATTEMPTS):
            done += len(group)
        elif len(group) > 1:
            outcomes = [await _linked(services, type, [each], attempts=1) for each in group]
            done += sum(outcomes)
    return done


async def _link_as_it_comes(services: Services) -> None:
    while True:
        services.mdm.waiting.clear()
        with suppress(Unavailable):  # it is looked at again
            await drain(services)
        with suppress(TimeoutError):
            await asyncio.wait_for(services.mdm.waiting.wait(), POLL)


async def _linked(services: Services, type: str, group: Sequence[Pending], *, attempts: int) -> bool:
    for attempt in range(attempts):
        async with services.mdm.line if attempt else nullcontext():
            try:
                await services.keys.commit(await relinking(services, type, group))
                return True
            except CONFLICTS:
                continue
    return False


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
