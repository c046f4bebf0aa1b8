"""What a write answers: the resource, an OperationOutcome or nothing, as `Prefer` asks.

R5 http.html#ops (`return=minimal|representation|OperationOutcome`) and RFC 7240.
"""

import re
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.storage_response import StorageResponse, storage_outcome
from fhir_mpi.http.responses import fhir_response, location, version_headers
from fhir_mpi.http.state import base_url
from fhir_mpi.interactions.writing import Written
from fhir_mpi.storage.port import Stored

RETURN: Final = re.compile(r"return=\"?(minimal|representation|OperationOutcome)\"?")
TEXTS: Final = {
    StorageResponse.CREATE: "Successfully created",
    StorageResponse.CREATE_NO_MATCH: "Nothing met the criteria; successfully created",
    StorageResponse.CREATE_MATCH: "The criteria are met already by",
    StorageResponse.UPDATE: "Successfully updated",
    StorageResponse.UPDATE_AS_CREATE: "Successfully created",
    StorageResponse.UPDATE_NO_CHANGE: "Nothing was to change in",
    StorageResponse.UPDATE_NO_MATCH: "Nothing met the criteria; successfully created",
    StorageResponse.UPDATE_MATCH: "Successfully updated what met the criteria,",
    StorageResponse.UPDATE_MATCH_NO_CHANGE: "Nothing was to change in what met the criteria,",
    StorageResponse.PATCH: "Successfully patched",
    StorageResponse.PATCH_NO_CHANGE: "The patch changed nothing in",
    StorageResponse.DELETE: "Successfully deleted",
    StorageResponse.DELETE_ALREADY_DELETED: "Deleted before:",
    StorageResponse.DELETE_NOT_FOUND: "Nothing to delete:",
}


def written_response(request: Request, written: Written) -> Response:
    """201 or 200; the resource itself where the client doesn't prefer otherwise."""
    remember(request, (written,))
    stored = _left_behind(written)
    wanted = preferred_return(request)
    headers = {**version_headers(stored), **_applied(wanted)}
    headers["location" if written.did.created else "content-location"] = location(base_url(request), stored)
    status = 201 if written.did.created else 200
    if wanted == "minimal":
        return Response(status_code=status, headers=headers)
    if wanted == "OperationOutcome":
        text = f"{TEXTS[written.did]} {stored.type}/{stored.id}"
        return fhir_response(request, storage_outcome(written.did, text, written.warnings), status, headers)
    return fhir_response(request, stored.json, status, headers)


def deleted_response(request: Request, written: Written, what: str) -> Response:
    """200 with an OperationOutcome, there being nothing else to return; 204 where nothing is preferred."""
    remember(request, (written,))
    wanted = preferred_return(request)
    headers = _applied(wanted) if wanted != "representation" else {}
    if written.version is not None:
        headers["etag"] = version_headers(written.version)["etag"]
    if wanted == "minimal":
        return Response(status_code=204, headers=headers)
    return fhir_response(request, storage_outcome(written.did, f"{TEXTS[written.did]} {what}"), 200, headers)


def remember(request: Request, done: Sequence[Written]) -> None:
    """For the Bundle whose entry this request is: there it is answered in another form."""
    request.scope["fhir_mpi.written"] = done


def preferred_return(request: Request) -> str | None:
    """The first preference that is one of the three; another is passed over (RFC 7240, section 2)."""
    found = (RETURN.fullmatch(preference) for preference in preferences(request))
    return next((match[1] for match in found if match), None)


def preferences(request: Request) -> Sequence[str]:
    """What the client prefers, one by one and without spaces: `return=minimal`, `handling="strict"`."""
    return ",".join(request.headers.getlist("prefer")).replace(" ", "").replace(";", ",").split(",")


def _applied(wanted: str | None) -> dict[str, str]:
    return {} if wanted is None else {"preference-applied": f"return={wanted}"}


def _left_behind(written: Written) -> Stored:
    if written.version is None:  # only a deletion leaves nothing behind, and it answers elsewhere
        raise AssertionError("a write has a version")
    return written.version
