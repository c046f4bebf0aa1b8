"""Every error becomes an OperationOutcome; what nobody foresaw says nothing but the request id."""

import http
import traceback
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from fhir_mpi.fhir.outcome import (
    FhirError,
    Issue,
    MethodNotAllowed,
    Unavailable,
    UnsupportedMediaType,
    operation_outcome,
)
from fhir_mpi.http.responses import error_response

LOG: Final = structlog.get_logger("fhir_mpi.http")
RETRY_SECONDS: Final = 2
CODES: Final[Mapping[int, str]] = {
    400: "invalid",
    404: "not-found",
    405: "not-supported",
    408: "timeout",
    413: "too-long",
    414: "too-long",
}


async def fhir_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, FhirError):
        raise error
    return error_response(operation_outcome(error.issues), error.http_status, _headers(error))


def _headers(error: FhirError) -> dict[str, str] | None:
    """What tells a client how to do better."""
    if isinstance(error, Unavailable):
        return {"retry-after": str(RETRY_SECONDS)}
    if isinstance(error, MethodNotAllowed):
        return {"allow": ", ".join(error.allow)} if error.allow else None
    return {"accept-encoding": "gzip"} if isinstance(error, UnsupportedMediaType) else None


async def http_error(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: an unknown path or operation, a method that a path does not take."""
    if not isinstance(error, HTTPException):
        raise error
    status = error.status_code
    default = http.HTTPStatus(status).phrase
    text = error.detail if error.detail != default else DETAILS.get(status, default)
    unknown_operation = status == 404 and "$" in request.url.path.rpartition("/")[2]
    code = "not-supported" if unknown_operation else CODES.get(status, "processing")
    issue = Issue(code, text)
    return error_response(operation_outcome([issue]), status, error.headers)


DETAILS: Final[Mapping[int, str]] = {
    404: "Invalid request: The FHIR endpoint on this server does not know how to handle this path",
    405: "HTTP method is not allowed here; Allow says which are",
}


def frames(error: BaseException) -> list[str]:
    """Where it happened, without the message, which may hold content."""
    return [
        f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}"
        for f in traceback.extract_tb(error.__traceback__)
    ]


def unforeseen(request_id: str) -> Response:
    """The 500 for whatever was not foreseen."""
    issue = Issue("exception", f"the server failed; the operator finds the reason under request {request_id}")
    return error_response(operation_outcome([issue]), 500)


EXCEPTION_HANDLERS: Final[Mapping[type[Exception], ExceptionHandler]] = {
    FhirError: fhir_error,
    HTTPException: http_error,
}
