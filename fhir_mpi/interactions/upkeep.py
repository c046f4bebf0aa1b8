"""What a server does beside its requests: it brings blocking keys to what the linkage models ask."""

import asyncio
import uuid
from asyncio import sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from fhir_mpi.fhir.outcome import FhirError
from fhir_mpi.interactions.keys import Keys
from fhir_mpi.interactions.rekeying import rekey

RETRY: Final = 30.0
"""Seconds until what the store refused is tried again."""

log = structlog.get_logger("fhir_mpi.rekeying")


@asynccontextmanager
async def upkeep(keys: Keys, *, rekeys: bool) -> AsyncIterator[None]:
    """Re-keys while the block runs, where it may; what is left when it ends, the next process does."""
    if not rekeys:
        yield
        return
    task = asyncio.create_task(_rekey_all(keys, uuid.uuid4().hex))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _rekey_all(keys: Keys, by: str) -> None:
    waiting = list(keys.models)
    while True:
        waiting = [type for type in waiting if not await _rekeyed(keys, type, by)]
        if not waiting:
            return
        await asyncio.sleep(RETRY)


async def _rekeyed(keys: Keys, type: str, by: str) -> bool:
    """Whether the store let it be done."""
    reached = None
    try:
        async for reached in rekey(keys, type, by, sleep=sleep):
            log.debug("rekeying", type=type, phase=reached.phase, done=reached.done, total=reached.total)
    except FhirError as error:
        log.warning("rekeying", type=type, waits_for=RETRY, error=error.__class__.__name__)
        return False
    if reached is not None:
        log.info("rekeyed", type=type, records=reached.done)
    return True
