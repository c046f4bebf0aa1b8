"""A request that is sent again with its key is done once (IETF draft-ietf-httpapi-idempotency-key-header).

The key is a row among the jobs. It is begun before the request is, changed in the transaction of whatever
the request writes, and holds the answer in the end. So what was written is known to be, whoever dies when.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, cast

from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.outcome import Conflict, Unprocessable
from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.jobs import KEYS, Running
from fhir_mpi.interactions.services import Services
from fhir_mpi.storage.port import Job, JobChange, JobConflict, Store, UnitOfWork

IN_FLIGHT: Final = "the request with this Idempotency-Key is still under way; ask again later"


@dataclass(frozen=True, slots=True)
class Known:
    """What a key is known for: an answer, or only the versions that were written before the process died."""

    answer: Json | None
    written: Sequence[str]


class Key:
    """The key of a request that is under way here."""

    def __init__(self, services: Services, job: Job) -> None:
        self._services, self._job = services, job

    @property
    def written(self) -> Sequence[str]:
        """The versions that were committed with this key so far: `Patient/1/_history/2`."""
        return _written(self._job)

    async def commit(self, store: Store, work: UnitOfWork) -> None:
        """The work, and with it that it was done; Conflict where another request took the key over."""
        versions = [write.version for write in work.writes]
        named = [f"{v.type}/{v.id}/_history/{v.version}" for v in versions]
        checkpoint = encode({"written": [*self.written, *named]}).decode()
        change = self._change(replace(self._job, checkpoint=checkpoint, due=self._lifetime()))
        try:
            await store.commit(replace(work, jobs=[*work.jobs, change]))
        except JobConflict as conflict:
            if conflict.id == self._job.id:
                raise Conflict("another request took over this Idempotency-Key") from conflict
            raise
        self._keep(change)

    async def answered(self, answer: Json) -> None:
        """Keeps the answer for as long as a setting says."""
        change = self._change(replace(self._job, result=encode(answer).decode(), due=self._lifetime()))
        await self._services.store.commit(UnitOfWork(jobs=[change]))
        self._keep(change)

    async def forget(self) -> None:
        """Nothing was done: the request may be sent again."""
        await self._services.store.commit(
            UnitOfWork(jobs=[JobChange(self._job.id, self._job.revision, None)])
        )

    def _lifetime(self) -> Any:
        return self._services.clock() + timedelta(seconds=self._services.limits.key_lifetime)

    def _change(self, job: Job) -> JobChange:
        job = replace(job, updated=self._services.clock())
        return JobChange(job.id, self._job.revision, job)

    def _keep(self, change: JobChange) -> None:
        if change.job is not None:
            self._job = replace(change.job, revision=change.expected + 1)


class KeyedStore:
    """A store whose commits say with which key they were made."""

    def __init__(self, store: Store, key: Key) -> None:
        self._store, self._key = store, key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, work: UnitOfWork, /) -> None:
        await self._key.commit(self._store, work)


def keyed(services: Services, key: Key) -> Services:
    """The services for a request with this key."""
    store = cast("Store", KeyedStore(services.store, key))
    return replace(services, store=store, keys=services.keys.through(store))


async def begin(services: Services, id: str, fingerprint: str) -> Key | Known:
    """The key, for who is the first to use it; otherwise what is known of it.

    Unprocessable where it was used for another request, Conflict where that is still under way.
    """
    found, now = await services.store.job(id), services.clock()
    if found is not None and found.due > now:
        return _known(services, found, fingerprint)
    return await _begun(services, id, fingerprint, found.revision if found else 0)


def _known(services: Services, job: Job, fingerprint: str) -> Known:
    if job.parameters != fingerprint:
        raise Unprocessable("this Idempotency-Key was used for another request", expression="http")
    if job.result is not None:
        return Known(decode(job.result.encode()), _written(job))
    gone = job.updated + timedelta(seconds=services.limits.job_lease) <= services.clock()
    if job.checkpoint is None or not gone:
        raise Conflict(IN_FLIGHT, expression="http")
    return Known(None, _written(job))


async def _begun(services: Services, id: str, fingerprint: str, revision: int) -> Key:
    now = services.clock()
    lease = now + timedelta(seconds=services.limits.job_lease)
    job = Job(id, KEYS, fingerprint, created=now, updated=now, due=lease)
    try:
        await services.store.commit(UnitOfWork(jobs=[JobChange(id, revision, job)]))
    except JobConflict as conflict:
        raise Conflict(IN_FLIGHT, expression="http") from conflict
    return Key(services, replace(job, revision=revision + 1))


def _written(job: Job) -> Sequence[str]:
    found: Sequence[str] = decode(job.checkpoint.encode())["written"] if job.checkpoint else []
    return found


async def clear(_: Services, running: Running) -> None:
    """A key whose time is over, or whose request died before it did anything, is free again."""
    await running.drop()
