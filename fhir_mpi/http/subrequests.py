"""An entry of a Bundle run as a request of its own, through the same routes.

So it can do and refuse exactly what the request alone would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from fhir_mpi.fhir.json import encode
from fhir_mpi.http.entries import Entry
from fhir_mpi.http.errors import LOG, frames, http_error, unforeseen
from fhir_mpi.http.negotiation import FHIR_JSON
from fhir_mpi.http.patches import entry_patch
from fhir_mpi.http.state import server
from fhir_mpi.interactions.writing import Written

HEADERS: Final = {
    "ifMatch": b"if-match",
    "ifNoneMatch": b"if-none-match",
    "ifModifiedSince": b"if-modified-since",
    "ifNoneExist": b"if-none-exist",
}
"""Conditions of an entry, and the header that each would be in a request of its own."""
OURS: Final = ("path_params", "endpoint")
"""What the Bundle's own request has that is not the entry's."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How an entry ended; `written` where it is a write that was done."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    written: Sequence[Written]


async def run(request: Request, entry: Entry) -> Ran:
    """Raises MalformedBody for a patch that can't be read."""
    content_type, body = _body(entry)
    status, headers, answer = 500, dict[str, str](), bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update({name.decode(): value.decode() for name, value in message["headers"]})
        else:
            answer.extend(message.get("body", b""))

    path = f"{server(request).base_path}/{entry.path}"
    scope = {
        **{key: value for key, value in request.scope.items() if key not in OURS},
        "fhir_mpi.entry": True,
        "method": entry.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": entry.query.encode(),
        "headers": _headers(request, entry, content_type),
    }
    try:
        await request.app.router(scope, receive, send)
    except HTTPException as error:  # an unknown path is refused outside of any route
        await (await http_error(request, error))(scope, receive, send)
    except Exception as error:  # noqa: BLE001  what other entries did is done, and must be answered
        request_id = request.scope["fhir_mpi.request_id"]
        LOG.error("failed", request_id=request_id, error=type(error).__name__, at=frames(error))
        await unforeseen(request_id)(scope, receive, send)
    return Ran(status, headers, bytes(answer), scope.get("fhir_mpi.written", ()))


def _body(entry: Entry) -> tuple[str, bytes]:
    if entry.resource is None:
        return FHIR_JSON, b""
    return entry_patch(entry.resource) if entry.method == "PATCH" else (FHIR_JSON, encode(entry.resource))


def _headers(request: Request, entry: Entry, content_type: str) -> list[tuple[bytes, bytes]]:
    prefer = "return=minimal" if entry.writes else ",".join(request.headers.getlist("prefer"))
    found = {
        b"host": request.headers.get("host", ""),
        b"content-type": content_type,
        b"prefer": prefer,
        **{HEADERS[name]: text for name, text in entry.conditions.items()},
    }
    return [(name, value.encode()) for name, value in found.items()]
