"""What became of a request that is answered later (R5 async-bundle.html)."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.http.answers import preferences
from fhir_mpi.http.entry_answers import status
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.responses import fhir_response
from fhir_mpi.http.state import server
from fhir_mpi.interactions import jobs
from fhir_mpi.interactions.jobs import Result, Withdraw
from fhir_mpi.operations.background import JOBS
from fhir_mpi.operations.call import status_url

RETRY_SECONDS: Final = 1
LONGEST_PROGRESS: Final = 100
"""Characters of X-Progress (R5 async-bundle.html)."""
RESPOND_ASYNC: Final = "respond-async"


async def follow(request: Request) -> Response:
    """202 with how far it is, or 200 with the answer in a Bundle."""
    response_type(request)
    job, result = await jobs.follow(server(request).services, request.path_params["id"])
    if result is None:
        progress = (job.progress or "accepted")[:LONGEST_PROGRESS]
        return Response(status_code=202, headers={"x-progress": progress, "retry-after": str(RETRY_SECONDS)})
    return fhir_response(request, _bundle(result), 200, {"expires": _http_date(job.due)})


async def take_away(request: Request) -> Response:
    """202: an open one is not done any further, the answer of a done one is forgotten."""
    await jobs.take_away(server(request).services, request.path_params["id"], _withdraw)
    return Response(status_code=202)


def prefers_async(request: Request) -> bool:
    """Whether the client would rather have the answer later."""
    return RESPOND_ASYNC in preferences(request)


def accepted_response(base_url: str, id: str) -> Response:
    """202, and where to ask for the answer."""
    headers = {"content-location": status_url(base_url, id), "preference-applied": RESPOND_ASYNC}
    return Response(status_code=202, headers=headers)


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _withdraw(kind: str) -> Withdraw:
    return JOBS[kind].withdraw if kind in JOBS else jobs.nothing_to_withdraw


def _bundle(result: Result) -> Resource:
    response: Json = {"status": status(result.status)}
    if result.resource["resourceType"] == "OperationOutcome" and result.status >= 400:
        entry: Json = {"response": {**response, "outcome": result.resource}}
    else:
        entry = {"resource": result.resource, "response": response}
    return {"resourceType": "Bundle", "type": "batch-response", "entry": [entry]}
