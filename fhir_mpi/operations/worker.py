"""The worker: takes jobs that are due and runs them, in every serving process."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from fhir_mpi.fhir.outcome import FhirError, Issue, Unavailable, operation_outcome
from fhir_mpi.interactions.jobs import JobKind, Result, Running
from fhir_mpi.interactions.services import Services
from fhir_mpi.storage.port import Job, JobChange, JobConflict, UnitOfWork

LOG: Final = structlog.get_logger("fhir_mpi.jobs")
LOOKED_AT: Final = 20
MOST_ATTEMPTS: Final = 5
"""How often a job is taken that never gets on: one that ends its process would do so for ever."""
PAUSE: Final = 5.0
"""Seconds until a job is tried again whose store was not available."""
AGAIN: Final = 0.5
"""Seconds until a job that goes on is cancelled once more."""
BEATS: Final = 3
"""How often a lease is renewed while it lasts."""


class Worker:
    """Runs jobs of these kinds, `at_once` at a time; looks for them every `poll` seconds."""

    def __init__(
        self, services: Services, kinds: Mapping[str, JobKind], *, at_once: int, poll: float
    ) -> None:
        self._services, self._kinds = services, kinds
        self._at_once, self._poll = at_once, poll
        self._owner = services.new_id()
        self._ending, self._runs = asyncio.Event(), set[asyncio.Task[None]]()

    async def work(self) -> None:
        """Until `end`."""
        await asyncio.gather(*(self._serve() for _ in range(self._at_once)))

    async def end(self) -> None:
        """Looks for no more jobs, and gives back what is under way.

        A look at the store is waited for and not cancelled, and a cancelled job is cancelled again: the
        MongoDB driver may swallow a cancellation.
        """
        self._ending.set()
        while self._runs:
            for run in self._runs:
                run.cancel()
            await asyncio.wait(self._runs, timeout=AGAIN)

    async def _serve(self) -> None:
        while not self._ending.is_set():
            found = False
            try:
                found = await self.turn()
            except Unavailable:
                LOG.warning("jobs wait: the store is not available")
            except Exception as error:  # noqa: BLE001  one job must not end the work on all others
                LOG.error("jobs wait", error=type(error).__name__)
            if not found:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._ending.wait()

    async def turn(self) -> bool:
        """Runs the job that has been due longest, removes results that are out of date; whether one ran."""
        for job in await self._services.store.due_jobs(self._services.clock(), limit=LOOKED_AT):
            with suppress(JobConflict):  # another was first
                if await self._look_at(job):
                    return True
        return False

    async def _look_at(self, job: Job) -> bool:
        if job.result is not None:
            await self._services.store.commit(UnitOfWork(jobs=[JobChange(job.id, job.revision, None)]))
            return False
        running = Running(self._services, await self._taken(job))
        if job.kind not in self._kinds:  # another release's: what is behind it must not wait
            await running.release(self._services.limits.job_lease)
            return False
        if job.attempts >= MOST_ATTEMPTS:
            LOG.error("job given up", job=job.id, kind=job.kind)
            await running.finish(_failure(job, "it ended its process each time"))
            return True
        run = asyncio.create_task(self._run(running, job))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        await asyncio.wait([run])
        if not run.cancelled():
            run.result()
        return True

    async def _taken(self, job: Job) -> Job:
        now = self._services.clock()
        lease = now + timedelta(seconds=self._services.limits.job_lease)
        known = job.kind in self._kinds
        taken = replace(
            job, owner=self._owner, due=lease, updated=now, attempts=job.attempts + (1 if known else 0)
        )
        await self._services.store.commit(UnitOfWork(jobs=[JobChange(job.id, job.revision, taken)]))
        return replace(taken, revision=job.revision + 1)

    async def _run(self, running: Running, job: Job) -> None:
        beating = asyncio.create_task(self._beat(running))
        try:
            await self._kinds[job.kind].run(self._services, running)
            if not running.finished:
                raise RuntimeError(f"{job.kind} ended without a result")
        except JobConflict:
            LOG.info("job lost", job=job.id, kind=job.kind)
        except asyncio.CancelledError:
            with suppress(JobConflict, FhirError):
                await running.release()
            raise
        except Unavailable:
            await running.release(PAUSE)
        except FhirError as error:
            await running.finish(Result(error.http_status, operation_outcome(error.issues)))
        except Exception as error:  # noqa: BLE001  whatever nobody foresaw is the result of this job alone
            LOG.error("job failed", job=job.id, kind=job.kind, error=type(error).__name__)
            await running.finish(_failure(job, "the server failed"))
        finally:
            beating.cancel()

    async def _beat(self, running: Running) -> None:
        while not running.over:
            await asyncio.sleep(self._services.limits.job_lease / BEATS)
            try:
                await running.renew()
            except JobConflict:
                return
            except FhirError:
                LOG.warning("the lease of a job was not renewed", job=running.id)


def _failure(job: Job, what: str) -> Result:
    text = f"{what}; the operator finds the reason under job {job.id}"
    return Result(500, operation_outcome([Issue("exception", text)]))
