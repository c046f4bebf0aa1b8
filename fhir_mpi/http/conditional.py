"""Writes by criteria: POST with If-None-Exist or a query, and PUT, PATCH, DELETE [base]/[type]?…"""

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.outcome import InvalidRequest, MethodNotAllowed, UnsupportedParameter
from fhir_mpi.fhir.storage_response import StorageResponse, storage_outcome
from fhir_mpi.http.answers import deleted_response, written_response
from fhir_mpi.http.bodies import read_resource
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.patches import if_match, read_patch
from fhir_mpi.http.responses import fhir_response
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions import conditional, writing
from fhir_mpi.interactions.conditional import FORMATS, Criteria

CONDITIONS: Final = frozenset({"if-none-exist", "if-none-match", "if-modified-since", "if-unmodified-since"})
NOT_OFFERED: Final = (None, False, "not-supported")
"""What the CapabilityStatement says of a type that has no such conditional interaction."""


async def update(request: Request) -> Response:
    own, wanted = server(request), _wanted(request, "update", "conditionalUpdate")
    resource = await read_resource(request, limit=own.max_body, seconds=own.body_timeout)
    written = await conditional.update(own.services, wanted, resource, if_match=if_match(request))
    return written_response(request, written)


async def patch(request: Request) -> Response:
    own, wanted = server(request), _wanted(request, "patch", "conditionalUpdate")
    change = await read_patch(request)
    written = await conditional.patch(own.services, wanted, change, if_match=if_match(request))
    return written_response(request, written)


async def delete(request: Request) -> Response:
    wanted = _wanted(request, "delete", "conditionalDelete")
    done = await conditional.delete(server(request).services, wanted, if_match=if_match(request))
    if len(done) > 1:
        text = f"Successfully deleted {len(done)} resources of type {wanted.type}"
        return fhir_response(request, storage_outcome(StorageResponse.DELETE, text))
    (written,) = done
    stored = written.version
    what = f"{wanted.type}/{stored.id}" if stored else f"no {wanted.type} meets the criteria"
    return deleted_response(request, written, what)


def creation(request: Request) -> Criteria | None:
    """The criteria of a create, in If-None-Exist or in the query as fhirpy sends them; None without."""
    type, header = request.path_params["type"], request.headers.get("if-none-exist")
    queried = _asked(request.url.query)
    if header is None and not queried:
        return None
    if not _offered(request, "conditionalCreate"):
        raise UnsupportedParameter(f"this server offers no conditional create of {type}")
    if header is None:
        return conditional.criteria(server(request).services, type, queried, base_url(request))
    if queried:
        raise InvalidRequest("criteria stand in If-None-Exist or in the query, not in both")
    # a header is bytes, which HTTP servers read as Latin-1; criteria are UTF-8
    text = header.strip().encode("latin-1").decode("utf-8", "surrogateescape").removeprefix(type)
    pairs = _asked(text.removeprefix("?"))
    return conditional.criteria(server(request).services, type, pairs, base_url(request))


def refuse_headers(request: Request, conditions: frozenset[str]) -> None:
    """A condition that is passed over would make another write than the client asked for."""
    if found := conditions & set(request.headers):
        raise UnsupportedParameter(f"this server takes no {min(found)} here")


def _wanted(request: Request, interaction: str, flag: str) -> Criteria:
    """The criteria in the query of a request that this type takes."""
    own, type = server(request), request.path_params["type"]
    response_type(request)
    writing.require(own.services, type, interaction)
    refuse_headers(request, CONDITIONS)
    pairs = _asked(request.url.query)
    if not _offered(request, flag):
        raise MethodNotAllowed(f"this server offers no {interaction} of {type} by criteria")
    if not pairs:
        raise InvalidRequest(f"{request.method} needs an id, or criteria, to know which {type} is meant")
    return conditional.criteria(own.services, type, pairs, base_url(request))


def _offered(request: Request, flag: str) -> bool:
    type, rest = request.path_params["type"], server(request).services.definitions.statement["rest"][0]
    return all(e.get(flag) not in NOT_OFFERED for e in rest["resource"] if e["type"] == type)


def _asked(query: str) -> list[tuple[str, str]]:
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return [(name, value) for name, value in pairs if name not in FORMATS]
