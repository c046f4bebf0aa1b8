"""What an entry of a batch or transaction answers (R5 http.html#transaction-response)."""

import http
from collections.abc import Sequence

import orjson
from starlette.requests import Request

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.outcome import FhirError, operation_outcome
from fhir_mpi.fhir.storage_response import StorageResponse, storage_outcome
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.answers import TEXTS, preferred_return
from fhir_mpi.http.entries import Entry
from fhir_mpi.http.responses import location
from fhir_mpi.http.state import base_url
from fhir_mpi.http.subrequests import Ran
from fhir_mpi.interactions.writing import Written


def refused(error: FhirError) -> Json:
    """An entry that was not run, or that failed."""
    return {"response": {"status": status(error.http_status), "outcome": operation_outcome(error.issues)}}


def read(entry: Entry, ran: Ran) -> tuple[Json, int]:
    """What a read, a search or an operation answered, and how many bytes of it are in the answer."""
    response: Json = {"status": status(ran.status)}
    for name in ("location", "etag"):
        if name in ran.headers:
            response[name] = ran.headers[name]
    if ran.status >= 400:
        return {"response": {**response, "outcome": orjson.Fragment(ran.body)}}, len(ran.body)
    if not ran.body or entry.method == "HEAD":
        return {"response": response}, 0
    return {"resource": orjson.Fragment(ran.body), "response": response}, len(ran.body)


def written(
    request: Request, entry: Entry, done: Sequence[Written], *, room: bool = True
) -> tuple[Json, int]:
    """What a write did; with the resource or an outcome where the client prefers one and there is room."""
    first, wanted = done[0], preferred_return(request)
    stored, response = first.version, dict[str, object]()
    if stored is not None:
        response |= {"etag": f'W/"{stored.version}"', "lastModified": instant(stored.last_updated)}
    if stored is not None and not stored.deleted:
        response["location"] = location(base_url(request), stored)
    if wanted == "OperationOutcome":
        response["outcome"] = storage_outcome(first.did, _text(entry, done), first.warnings)
    code = (
        201 if first.did.created else 204 if entry.method == "DELETE" and "outcome" not in response else 200
    )
    found: Json = {"response": {"status": status(code), **response}}
    if wanted != "representation" or stored is None or stored.deleted or not room:
        return found, 0
    return {"resource": orjson.Fragment(stored.json), **found}, len(stored.json)


def status(code: int) -> str:
    """The code with its phrase, as HAPI answers it.

    >>> status(201)
    '201 Created'
    """
    return f"{code} {http.HTTPStatus(code).phrase}"


def _text(entry: Entry, done: Sequence[Written]) -> str:
    first = done[0]
    if len(done) > 1:
        return f"Successfully deleted {len(done)} resources of type {entry.path}"
    if first.version is not None:
        return f"{TEXTS[first.did]} {first.version.type}/{first.version.id}"
    if first.did is StorageResponse.DELETE_NOT_FOUND and "/" not in entry.path:
        return f"{TEXTS[first.did]} no {entry.path} meets the criteria"
    return f"{TEXTS[first.did]} {entry.path}"
