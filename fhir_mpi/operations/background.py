"""The kinds of jobs, one line each, and the operations that a client may have run as one."""

from typing import Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.idempotency import clear as clear_keys
from fhir_mpi.interactions.jobs import KEYS, JobKind, Result, Running, accept, planned
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations.call import Answer, Call
from fhir_mpi.operations.mdm_clear import CLEAR, run_clear
from fhir_mpi.operations.mdm_submit import SUBMIT, run_submit
from fhir_mpi.operations.merging.later import MERGE, REPLACE, UNDO
from fhir_mpi.operations.merging.merge import run_merge
from fhir_mpi.operations.merging.replace_references import run_replacing
from fhir_mpi.operations.merging.undo import run_undo
from fhir_mpi.operations.table import OPERATIONS
from fhir_mpi.storage.port import Job

OPERATION: Final = "operation"
DEFERRED: Final = frozenset({"Resource-expunge"})
"""Ids of operations that `Prefer: respond-async` makes a job of as they are: it does no harm to do again
what they had half done when their process ended. Others make jobs of their own, or none.
"""


async def defer(services: Services, operation: str, call: Call) -> Job:
    """Has an operation called later, with its answer kept."""
    where: Json = {"base_url": call.base_url, "type": call.type, "id": call.id}
    job = planned(services, OPERATION, {"operation": operation, "parameters": call.parameters, **where})
    await accept(services, job)
    return job


async def run_operation(services: Services, running: Running) -> None:
    given = running.parameters
    call = Call(given["parameters"], given["base_url"], given["type"], given["id"])
    answer = await OPERATIONS[given["operation"]](services, call)
    found = answer if isinstance(answer, Answer) else Answer(answer)
    await running.finish(Result(found.status, found.resource))


JOBS: Final[dict[str, JobKind]] = {
    OPERATION: JobKind(run_operation),
    KEYS: JobKind(clear_keys),
    MERGE: JobKind(run_merge),
    UNDO: JobKind(run_undo),
    REPLACE: JobKind(run_replacing),
    SUBMIT: JobKind(run_submit),
    CLEAR: JobKind(run_clear),
}
