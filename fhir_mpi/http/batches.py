"""POST [base]: batch and transaction (R5 http.html#transaction).

An entry of a batch, and a GET of a transaction, is run as a request of its own through the same
routes, so that it can do and refuse exactly what the request alone would.
"""

import asyncio
import http
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import (
    InvalidRequest,
    InvalidValue,
    MalformedBody,
    TooManyEntries,
    UnsupportedParameter,
    operation_outcome,
)
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.http.bodies import read_resource
from fhir_mpi.http.errors import http_error
from fhir_mpi.http.negotiation import FHIR_JSON, response_type
from fhir_mpi.http.responses import fhir_response, location
from fhir_mpi.http.state import Server, base_url, server
from fhir_mpi.interactions.transactions import Change, transact
from fhir_mpi.interactions.writing import Written

VERBS: Final = ("DELETE", "POST", "PUT", "GET", "HEAD")
"""The methods that an entry can have."""
WRITING: Final = frozenset({"DELETE", "POST", "PUT"})
INSTANCE: Final = re.compile(r"([A-Z][A-Za-z]{0,63})(?:/([A-Za-z0-9\-.]{1,64}))?")
ETAG: Final = re.compile(r'W/"([0-9]{1,9})"')
ANSWER_BYTES: Final = 64 * 1024 * 1024
"""What entries may answer together: once it is reached, those that are left are not run."""
CONDITIONS: Final = {
    "ifNoneMatch": b"if-none-match",
    "ifModifiedSince": b"if-modified-since",
    "ifNoneExist": b"if-none-exist",
}
"""Conditions of an entry, and the header that each would be in a request of its own."""


async def batch(request: Request) -> Response:
    own = server(request)
    response_type(request)
    bundle = await read_resource(request, limit=own.max_bundle_body, seconds=own.body_timeout)
    entries = _entries(own, bundle)
    written = await _together(request, entries) if bundle["type"] == "transaction" else {}
    answers = [answer async for answer in _answers(request, entries, written)]
    found: Resource = {"resourceType": "Bundle", "type": f"{bundle['type']}-response"}
    return fhir_response(request, {**found, "entry": answers} if answers else found)


def _entries(own: Server, bundle: Resource) -> Sequence[Json]:
    """The entries, each known to have a request that can be tried."""
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("batch", "transaction"):
        raise InvalidRequest("the body is a Bundle of type batch or transaction", expression="Bundle.type")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise MalformedBody("entry is a list", expression="Bundle.entry")
    if len(entries) > own.services.limits.bundle_entries:
        raise TooManyEntries(f"a Bundle has at most {own.services.limits.bundle_entries} entries")
    for number, entry in enumerate(entries):
        _check_entry(entry, f"Bundle.entry[{number}]")
    return entries


def _check_entry(entry: Any, where: str) -> None:
    asked = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(asked, dict) or not isinstance(asked.get("url"), str):
        raise MalformedBody("an entry has a request with method and url", expression=f"{where}.request")
    texts = [entry.get("fullUrl", ""), *(asked.get(name, "") for name in ("ifMatch", *CONDITIONS))]
    if not all(isinstance(text, str) for text in texts):
        raise MalformedBody("fullUrl and conditions are strings", expression=where)
    if not _path(asked["url"]):
        raise InvalidRequest("a Bundle inside a Bundle is not run", expression=f"{where}.request.url")
    if asked.get("method") not in VERBS:
        raise InvalidValue(f"method is one of {', '.join(VERBS)}", expression=f"{where}.request.method")
    if asked["method"] in ("POST", "PUT") and not isinstance(entry.get("resource"), dict):
        raise MalformedBody("an entry that writes has a resource", expression=f"{where}.resource")


def _path(url: str) -> str:
    """The decoded path below the base."""
    return unquote(url.partition("?")[0]).strip("/ ")


async def _together(request: Request, entries: Sequence[Json]) -> Mapping[int, Written]:
    """All writes of a transaction in one commit, where their order can't be seen."""
    changes = [_change(number, entry) for number, entry in enumerate(entries) if _writes(entry)]
    return await transact(server(request).services, changes)


async def _answers(
    request: Request, entries: Sequence[Json], written: Mapping[int, Written]
) -> AsyncIterator[Json]:
    """An answer for each entry in its place; what isn't `written` yet is run now, one after the other."""
    base, room = base_url(request), ANSWER_BYTES
    for number, entry in enumerate(entries):
        if number in written:
            yield _answer(base, written[number])
            continue
        answer, size = await _alone(request, entry) if room > 0 else (_not_run(), 0)
        room -= size
        yield answer
        await asyncio.sleep(0)  # what looks up by key never waits: without this all others would


def _not_run() -> Json:
    refused = TooManyEntries(
        f"not run: the entries before this one answered {ANSWER_BYTES} bytes; ask in a Bundle of its own"
    )
    outcome = operation_outcome(refused.issues)
    return {"response": {"status": _status(refused.http_status), "outcome": outcome}}


def _writes(entry: Json) -> bool:
    return entry["request"]["method"] in WRITING and "$" not in entry["request"]["url"]


def _change(number: int, entry: Json) -> Change:
    asked, where = entry["request"], f"Bundle.entry[{number}].request"
    if any(condition in asked for condition in CONDITIONS) or "?" in asked["url"]:
        raise UnsupportedParameter("a transaction takes no conditions but ifMatch", expression=where)
    target = INSTANCE.fullmatch(_path(asked["url"]))
    if target is None or bool(target[2]) == (asked["method"] == "POST"):
        raise InvalidRequest(
            "url is [type] for POST, [type]/[id] for PUT and DELETE", expression=f"{where}.url"
        )
    return Change(
        number,
        asked["method"],
        target[1],
        target[2],
        entry.get("resource"),
        entry.get("fullUrl"),
        _version(asked.get("ifMatch"), where),
    )


def _version(if_match: str | None, where: str) -> int | None:
    if if_match is None:
        return None
    found = ETAG.fullmatch(if_match)
    if found is None:
        raise InvalidValue('ifMatch is an ETag such as W/"3"', expression=f"{where}.ifMatch")
    return int(found[1])


def _answer(base: str, written: Written) -> Json:
    if written.version is None:
        return {"response": {"status": "200 OK"}}
    return {
        "response": {
            "status": "201 Created" if written.did.created else "200 OK",
            "location": location(base, written.version),
            "etag": f'W/"{written.version.version}"',
            "lastModified": instant(written.version.last_updated),
        }
    }


async def _alone(request: Request, entry: Json) -> tuple[Json, int]:
    """Runs one entry as a request of its own; how it went, and the bytes of the resource in that."""
    status, headers, body = await _run(request, entry)
    response: Json = {"status": _status(status)}
    for name, header in (("location", "location"), ("etag", "etag")):
        if header in headers:
            response[name] = headers[header]
    if status >= 400:
        return {"response": {**response, "outcome": orjson.Fragment(body)}}, len(body)
    if body and entry["request"]["method"] in ("GET", "POST") and "location" not in headers:
        return {"resource": orjson.Fragment(body), "response": response}, len(body)
    return {"response": response}, 0


def _status(status: int) -> str:
    return f"{status} {http.HTTPStatus(status).phrase}"


async def _run(request: Request, entry: Json) -> tuple[int, Mapping[str, str], bytes]:
    asked, body = entry["request"], encode(entry["resource"]) if "resource" in entry else b""
    status, headers, answer = 500, {}, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update({name.decode(): value.decode() for name, value in message["headers"]})
        else:
            answer.extend(message.get("body", b""))

    path = f"{server(request).base_path}/{_path(asked['url'])}"
    scope = {
        **{key: value for key, value in request.scope.items() if key not in ("path_params", "endpoint")},
        "method": asked["method"],
        "path": path,
        "raw_path": path.encode(),
        "query_string": asked["url"].partition("?")[2].encode(),
        "headers": _headers(request, asked),
    }
    try:
        await request.app.router(scope, receive, send)
    except HTTPException as error:  # an unknown path is refused outside of any route
        await (await http_error(request, error))(scope, receive, send)
    return status, headers, bytes(answer)


def _headers(request: Request, asked: Json) -> list[tuple[bytes, bytes]]:
    found = [(b"host", request.headers.get("host", "").encode()), (b"content-type", FHIR_JSON.encode())]
    for name, header in {**CONDITIONS, "ifMatch": b"if-match"}.items():
        if name in asked:
            found.append((header, asked[name].encode()))
    return found
