"""Pure ASGI around the application: request id, one log line a request, the last resort, headers."""

import re
import time
import uuid
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fhir_mpi.fhir.outcome import FhirError, InvalidValue, UriTooLong, operation_outcome
from fhir_mpi.http.errors import frames, unforeseen
from fhir_mpi.http.responses import error_response
from fhir_mpi.http.telemetry import Telemetry

LOG: Final = structlog.get_logger("fhir_mpi.access")
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
MAX_URL: Final = 8192
UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f;\ufffd]|/\.{1,2}(?:/|$)")
"""What no path of ours has: control characters, bytes that were no UTF-8, steps to elsewhere."""
HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Edge:
    """The outermost layer. Whatever fails inside becomes a FHIR answer, and no content is logged.

    A client's own X-Request-Id is kept where it is plain; the answer carries it.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["fhir_mpi.request_id"] = _request_id(scope)
        started, status = time.perf_counter(), 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({"x-request-id": request_id, **HEADERS})
            await send(message)

        with self._telemetry.request(scope) as end:
            try:
                await self._answer(scope, receive, stamped)
            except ClientDisconnect:
                status = 499
            except Exception as error:  # noqa: BLE001  the last resort: no failure may reach the client bare
                LOG.error("failed", request_id=request_id, error=type(error).__name__, at=frames(error))
                if status == 0:
                    await unforeseen(request_id)(scope, receive, stamped)
            seconds = time.perf_counter() - started
            end(route_of(scope), status, seconds)
        LOG.info(
            "request",
            request_id=request_id,
            method=scope["method"],
            route=route_of(scope),
            status=status,
            ms=round(seconds * 1000, 2),
        )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _refusal(scope)
        if refused is None:
            await self._app(scope, receive, send)
            return
        await error_response(operation_outcome(refused.issues), refused.status)(scope, receive, send)


def route_of(scope: Scope) -> str:
    """The template of the route taken, never the path itself: ids are nobody's business here."""
    return str(scope.get("fhir_mpi.route", "unknown"))


def _refusal(scope: Scope) -> FhirError | None:
    """What is wrong with the URL itself, before anybody reads it."""
    query: bytes = scope["query_string"]
    if len(scope["path"]) + len(query) > MAX_URL:
        return UriTooLong(f"a URL is at most {MAX_URL} bytes; POST to _search takes more")
    if UNREADABLE.search(scope["path"]) or not query.isascii():
        return InvalidValue("the URL has a character that no URL of this server has", expression="http")
    return None


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
