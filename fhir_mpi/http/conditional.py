"""Writes by criteria: POST with If-None-Exist or a query, and PUT, PATCH, DELETE [base]/[type]?…"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.outcome import InvalidRequest, MethodNotAllowed, UnsupportedParameter
from fhir_mpi.fhir.storage_response import StorageResponse, storage_outcome
from fhir_mpi.http.answers import deleted_response, remember, written_response
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
FLAGS: Final = {"PUT": "conditionalUpdate", "PATCH": "conditionalUpdate", "DELETE": "conditionalDelete"}


async def update(request: Request) -> Response:
    own, wanted = server(request), _wanted(request, "update")
    resource = await read_resource(request, limit=own.max_body, seconds=own.body_timeout)
    written = await conditional.update(own.services, wanted, resource, if_match=if_match(request))
    return written_response(request, written)


async def patch(request: Request) -> Response:
    own, wanted = server(request), _wanted(request, "patch")
    change = await read_patch(request)
    written = await conditional.patch(own.services, wanted, change, if_match=if_match(request))
    return written_response(request, written)


async def delete(request: Request) -> Response:
    wanted = _wanted(request, "delete")
    services, base = server(request).services, base_url(request)
    done = await conditional.delete(services, wanted, base, if_match=if_match(request))
    if len(done) > 1:
        text = f"Successfully deleted {len(done)} resources of type {wanted.type}"
        remember(request, done)
        return fhir_response(request, storage_outcome(StorageResponse.DELETE, text))
    (written,) = done
    stored = written.version
    what = f"{wanted.type}/{stored.id}" if stored else f"no {wanted.type} meets the criteria"
    return deleted_response(request, written, what)


def creation(request: Request) -> Criteria | None:
    """The criteria of a create, in If-None-Exist or in the query as fhirpy sends them; None without."""
    type, header = request.path_params["type"], request.headers.get("if-none-exist")
    queried = asked(request.url.query)
    if header is None and not queried:
        return None
    if header is not None:
        # a header is bytes, which HTTP servers read as Latin-1; criteria are UTF-8
        header = header.encode("latin-1").decode("utf-8", "surrogateescape")
    return creation_criteria(request, type, header, queried)


def creation_criteria(
    request: Request, type: str, condition: str | None, queried: Sequence[tuple[str, str]]
) -> Criteria:
    """The criteria of a create, from an If-None-Exist or from a query."""
    check_offered(request, type, "conditionalCreate")
    if condition is None:
        return conditional.criteria(server(request).services, type, queried, base_url(request))
    if queried:
        raise InvalidRequest("criteria stand in If-None-Exist or in the query, not in both")
    pairs = asked(condition.strip().removeprefix(type).removeprefix("?"))
    return conditional.criteria(server(request).services, type, pairs, base_url(request))


def refuse_headers(request: Request, conditions: frozenset[str]) -> None:
    """A condition that is passed over would make another write than the client asked for."""
    if found := conditions & set(request.headers):
        raise UnsupportedParameter(f"this server takes no {min(found)} here")


def _wanted(request: Request, interaction: str) -> Criteria:
    """The criteria in the query of a request that this type takes."""
    own, type = server(request), request.path_params["type"]
    response_type(request)
    writing.require(own.services, type, interaction)
    refuse_headers(request, CONDITIONS)
    return criteria_of(request, request.method, type, request.url.query)


def criteria_of(request: Request, method: str, type: str, query: str) -> Criteria:
    """The criteria that stand in place of the id of what is put, patched or deleted."""
    check_offered(request, type, FLAGS[method])
    pairs = asked(query)
    if not pairs:
        raise InvalidRequest(f"{method} needs an id, or criteria, to know which {type} is meant")
    return conditional.criteria(server(request).services, type, pairs, base_url(request))


def check_offered(request: Request, type: str, flag: str) -> None:
    """Raises what fits where the CapabilityStatement doesn't say that this type has it."""
    rest = server(request).services.definitions.statement["rest"][0]
    if any(e.get(flag) in NOT_OFFERED for e in rest["resource"] if e["type"] == type):
        if flag == "conditionalCreate":
            raise UnsupportedParameter(f"this server offers no conditional create of {type}")
        raise MethodNotAllowed(f"this server offers no {flag} of {type}")


def asked(query: str) -> list[tuple[str, str]]:
    """The pairs that are criteria."""
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return [(name, value) for name, value in pairs if name not in FORMATS]
