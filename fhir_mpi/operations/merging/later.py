"""Merges and undoings that are answered later: jobs, each done in one commit together with its end."""

from typing import Final

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.committing import commit
from fhir_mpi.interactions.jobs import Result, Running, accept, planned
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations.call import Answer, Call, status_url
from fhir_mpi.storage.port import UnitOfWork

MERGE: Final = "merge"
UNDO: Final = "undo-merge"
REPLACE: Final = "replace-references"
ACCEPTED: Final = (
    "Merge request is accepted, and will be processed asynchronously. See task resource returned in this"
    " response for details."
)
JOB: Final = "http://hapifhir.io/batch/jobId"


class Commit:
    """How a unit of work is committed whose answer is known: at once, or as the end of a job."""

    def __init__(self, services: Services, running: Running | None = None) -> None:
        self._services, self._running = services, running

    @property
    def bounded(self) -> bool:
        """Whether the number of resources has a limit: a job takes as long as it takes."""
        return self._running is None

    async def progress(self, text: str) -> None:
        """Says how far the job is."""
        if self._running is not None:
            await self._running.commit(progress=text)

    async def commit(self, work: UnitOfWork, answer: Resource) -> None:
        """Raises what a commit does; JobConflict where the job was taken away."""
        if self._running is None:
            await commit(self._services, work)
        else:
            await self._running.finish(Result(200, answer), work)


async def defer(services: Services, kind: str, call: Call, **more: str) -> tuple[Resource, Answer]:
    """A job of that kind for this call: the Task that tells of it, and an answer to be completed."""
    given: Json = {"parameters": call.parameters, "base_url": call.base_url, "type": call.type, **more}
    job = planned(services, kind, given)
    await accept(services, job)
    task: Resource = {
        "resourceType": "Task",
        "identifier": [{"system": JOB, "value": job.id}],
        "status": "accepted",
        "intent": "order",
        "description": f"ask for what came of it at {status_url(call.base_url, job.id)}",
    }
    headers = {
        "content-location": status_url(call.base_url, job.id),
        "preference-applied": "respond-async",
    }
    return task, Answer({"resourceType": "Parameters"}, 202, headers)


def call_of(running: Running) -> Call:
    """The call that a job was deferred from."""
    given = running.parameters
    return Call(given["parameters"], given["base_url"], given["type"])


async def end(running: Running, answer: Answer) -> None:
    """Ends a job that did not end itself by committing: it was refused, or had nothing to do."""
    if not running.finished:
        await running.finish(Result(answer.status, answer.resource))
