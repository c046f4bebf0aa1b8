"""Work that goes on after its request is answered (R5 async-bundle.html): accepting, following, ending it.

What a job does is committed together with what it says of itself: where the process that runs it dies,
another goes on from there, and what is done is done once. Whoever takes a job away, or takes it over,
makes every later commit of the one who ran it fail with JobConflict.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.outcome import Conflict, NotFound
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.committing import commit
from fhir_mpi.interactions.services import Services
from fhir_mpi.storage.port import Job, JobChange, JobConflict, UnitOfWork, Write, WriteConflict

ATTEMPTS: Final = 10
"""How often the end of a job is tried while others change it."""
KEYS: Final = "idempotency-key"
"""The kind of rows that are no jobs anybody can follow: see interactions/idempotency.py."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the request would have been answered with: an HTTP status and the resource."""

    status: int
    resource: Resource


class Running:
    """A job while this process has it. Its kind says how far it is, and must end it by `finish`."""

    def __init__(self, services: Services, job: Job) -> None:
        self._services, self._job, self._turn = services, job, asyncio.Lock()

    @property
    def id(self) -> str:
        return self._job.id

    @property
    def parameters(self) -> Json:
        """What `accept` was given."""
        return decode(self._job.parameters.encode())

    @property
    def checkpoint(self) -> Json | None:
        """What the last `commit` with a checkpoint left, maybe another process's."""
        found = self._job.checkpoint
        return None if found is None else decode(found.encode())

    @property
    def finished(self) -> bool:
        return self._job.result is not None

    @property
    def over(self) -> bool:
        """Whether this process has done with it: it is finished, or given back."""
        return self._job.owner is None

    async def commit(
        self,
        work: UnitOfWork | None = None,
        *,
        progress: str | None = None,
        checkpoint: Json | None = None,
        linked: bool = False,
    ) -> None:
        """Does this work and says how far the job is (at most 100 characters), both or neither.

        `linked` says that the work has its links and golden records in it. Raises what a commit does;
        JobConflict where the job was taken away, or over.
        """
        said: dict[str, Any] = {"attempts": 0, "due": self._lease()}
        if progress is not None:
            said["progress"] = progress
        if checkpoint is not None:
            said["checkpoint"] = _text(checkpoint)
        await self._change(work, linked, **said)

    async def finish(self, result: Result, work: UnitOfWork | None = None) -> None:
        """Does this work and ends the job with this result, both or neither."""
        due = self._services.clock() + timedelta(seconds=self._services.limits.job_lifetime)
        said = _text({"status": result.status, "resource": result.resource})
        await self._change(work, result=said, owner=None, due=due)

    async def drop(self) -> None:
        """Ends the job without a trace."""
        async with self._turn:
            await self._services.store.commit(
                UnitOfWork(jobs=[JobChange(self._job.id, self._job.revision, None)])
            )
            self._job = replace(self._job, owner=None, result="{}")

    async def renew(self) -> None:
        """Keeps others from taking the job for as long again."""
        if not self.over:
            await self._change(None, due=self._lease())

    async def release(self, seconds: float = 0) -> None:
        """Lets any process take the job, after so many seconds."""
        await self._change(None, owner=None, due=self._services.clock() + timedelta(seconds=seconds))

    async def _change(self, work: UnitOfWork | None, linked: bool = False, **said: Any) -> None:
        async with self._turn:
            changed = replace(self._job, updated=self._services.clock(), **said)
            change = JobChange(changed.id, changed.revision, changed)
            work = work or UnitOfWork()
            work = replace(work, jobs=[*work.jobs, change])
            await (self._services.keys.commit(work) if linked else commit(self._services, work))
            self._job = replace(changed, revision=changed.revision + 1)

    def _lease(self) -> Any:
        return self._services.clock() + timedelta(seconds=self._services.limits.job_lease)


Run: TypeAlias = Callable[[Services, Running], Awaitable[None]]
Withdraw: TypeAlias = Callable[[Services, Json], Awaitable[Sequence[Write]]]


async def nothing_to_withdraw(_: Services, __: Json) -> Sequence[Write]:
    return ()


@dataclass(frozen=True, slots=True)
class JobKind:
    """`run` does a job, from its checkpoint on; it may raise a FhirError, which becomes the result.

    `withdraw` gives the writes that belong to taking away an open job with these parameters.
    """

    run: Run
    withdraw: Withdraw = nothing_to_withdraw


def planned(services: Services, kind: str, parameters: Json) -> Job:
    """A new job, to be accepted."""
    now = services.clock()
    return Job(services.new_id(), kind, _text(parameters), created=now, updated=now, due=now)


async def accept(services: Services, job: Job, work: UnitOfWork | None = None) -> None:
    """Keeps a job for whichever process is free; durable when this returns, as is the work beside it."""
    work = work or UnitOfWork()
    await services.keys.commit(replace(work, jobs=[*work.jobs, JobChange(job.id, 0, job)]))


async def follow(services: Services, id: str) -> tuple[Job, Result | None]:
    """A job, and what came of it where it is done. NotFound where there is none, or none any more."""
    job = await services.store.job(id)
    if job is None or job.kind == KEYS or (job.result is not None and job.due <= services.clock()):
        raise NotFound("there is no such job, or none any more")
    if job.result is None:
        return job, None
    result = decode(job.result.encode())
    return job, Result(result["status"], result["resource"])


async def take_away(services: Services, id: str, withdraw: Callable[[str], Withdraw]) -> None:
    """Ends an open job without a result, or forgets the result of a done one. NotFound where there is none.

    Nothing of an open one is done after this, for its every commit fails.
    """
    for _ in range(ATTEMPTS):
        job, result = await follow(services, id)
        try:
            writes = [] if result else await withdraw(job.kind)(services, decode(job.parameters.encode()))
            await services.keys.commit(UnitOfWork(writes, jobs=[JobChange(id, job.revision, None)]))
        except (JobConflict, WriteConflict):
            await asyncio.sleep(0)
        else:
            return
    raise Conflict("the job keeps changing; try again")


def _text(value: Json) -> str:
    return encode(value).decode()
