"""The header Idempotency-Key on requests that change something: sent again, they are done once."""

import re
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.outcome import (
    Conflict,
    FhirError,
    InvalidValue,
    Issue,
    MissingParameter,
    operation_outcome,
)
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.bodies import received
from fhir_mpi.http.responses import fhir_response, location, version_headers
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions.idempotency import Key, Known, begin, keyed
from fhir_mpi.interactions.services import Services
from fhir_mpi.storage.port import JobConflict, Stored

HEADER: Final = "idempotency-key"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
KEY: Final = re.compile(r'"(?P<quoted>[!#-\[\]-~ ]{1,255})"|(?P<bare>[!#-+\--~]{1,255})')
"""A string as a structured field has it, or the same without quotes, as most clients send it."""
MEANING: Final = ("content-type", "if-match", "if-none-exist", "prefer")
"""Headers that make another request of the same body."""
KEPT: Final = frozenset(
    {"content-type", "etag", "last-modified", "location", "content-location", "preference-applied"}
)
NAMED: Final = 100
"""Versions that are told one by one."""
Endpoint = Callable[[Request], Awaitable[Response]]


async def idempotently(request: Request, endpoint: Endpoint) -> Response:
    """The endpoint's answer, or the one that it gave to the same request before."""
    given, own = request.headers.get(HEADER), server(request)
    if given is None:
        if own.services.limits.key_required and "fhir_mpi.entry" not in request.scope:
            raise MissingParameter(
                "this server wants an Idempotency-Key on what changes it", expression="http"
            )
        return await endpoint(request)
    id = _id(given)
    body = await received(request, limit=own.max_bundle_body, seconds=own.body_timeout)
    begun = await begin(own.services, id, _fingerprint(request, body))
    if isinstance(begun, Known):
        return await _again(request, begun, body)
    return await _once(_with(request, body, keyed(own.services, begun)), endpoint, begun)


def _id(given: str) -> str:
    found = KEY.fullmatch(given.strip())
    if found is None:
        raise InvalidValue("an Idempotency-Key has 1 to 255 plain characters", expression="http")
    return sha256(f"idempotency|{found['quoted'] or found['bare']}".encode()).hexdigest()


def _fingerprint(request: Request, body: bytes) -> str:
    said = [request.method, request.url.path, request.url.query]
    said += [request.headers.get(name, "") for name in MEANING]
    return sha256("\n".join(said).encode() + b"\n" + body).hexdigest()


def _with(request: Request, body: bytes, services: Services) -> Request:
    """The request, with its body once more, for a server with these services."""
    own = replace(server(request), services=services)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({**request.scope, "state": {**request.scope["state"], "server": own}}, receive)


async def _once(request: Request, endpoint: Endpoint, key: Key) -> Response:
    """What is refused, or fails, without having written anything may be sent again."""
    try:
        response = await endpoint(request)
    except Exception:
        if not key.written:
            await _forget(key)
        raise
    if response.status_code >= 400 and not key.written:
        await _forget(key)
    else:
        with suppress(FhirError):  # what is done is done, and known to be
            await key.answered(_kept(response))
    return response


async def _forget(key: Key) -> None:
    """It is forgotten anyway when its time is over."""
    with suppress(JobConflict, FhirError):
        await key.forget()


def _kept(response: Response) -> Json:
    headers = {name: value for name, value in response.headers.items() if name in KEPT}
    return {
        "status": response.status_code,
        "headers": headers,
        "body": b64encode(bytes(response.body)).decode(),
    }


async def _again(request: Request, known: Known, body: bytes) -> Response:
    if known.answer is not None:
        content = b64decode(known.answer["body"])
        return Response(content, known.answer["status"], headers=dict(known.answer["headers"]))
    if _is_batch(body):
        told = ", ".join(known.written[:NAMED])
        raise Conflict(f"the batch with this Idempotency-Key was interrupted; it has written {told}")
    versions = [await _version(request, text) for text in known.written[:1]]
    if len(known.written) == 1 and versions[0] is not None and not versions[0].deleted:
        return _rewritten(request, versions[0])
    return fhir_response(request, operation_outcome(list(_told(known.written))))


def _told(written: Sequence[str]) -> Sequence[Issue]:
    text = "this request was done before, and its answer was lost; it has written "
    return [Issue("informational", text + ", ".join(written[:NAMED]), severity="information")]


def _rewritten(request: Request, stored: Stored) -> Response:
    """What a create or an update answers."""
    created = stored.version == 1
    where = {"location" if created else "content-location": location(base_url(request), stored)}
    headers = {**version_headers(stored), **where}
    return fhir_response(request, stored.json, 201 if created else 200, headers)


async def _version(request: Request, text: str) -> Stored | None:
    type, id, _, version = text.split("/")
    return await server(request).services.store.read_version(type, id, int(version))


def _is_batch(body: bytes) -> bool:
    try:
        found = decode(body)
    except FhirError:
        return False
    return found.get("resourceType") == "Bundle" and found.get("type") == "batch"
