"""The RESTful interactions: Request in, Response out (R5 http.html)."""

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.outcome import UnsupportedParameter
from fhir_mpi.http.answers import deleted_response, written_response
from fhir_mpi.http.bodies import read_resource
from fhir_mpi.http.conditional import CONDITIONS, creation, refuse_headers
from fhir_mpi.http.conditions import version_response
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.patches import if_match, read_patch
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions import conditional, patching, reading, writing
from fhir_mpi.interactions.conditional import FORMATS


async def create(request: Request) -> Response:
    own, type = server(request), request.path_params["type"]
    response_type(request)
    writing.require(own.services, type, "create")
    refuse_headers(request, CONDITIONS - {"if-none-exist"})
    criteria = creation(request)
    resource = await read_resource(request, limit=own.max_body, seconds=own.body_timeout)
    if criteria is None:
        return written_response(request, await writing.create(own.services, type, resource))
    return written_response(request, await conditional.create(own.services, criteria, resource))


async def read(request: Request) -> Response:
    stored = await reading.read(server(request).services, *_target(request))
    return version_response(request, stored)


async def read_version(request: Request) -> Response:
    version = request.path_params["version"]
    stored = await reading.read_version(server(request).services, *_target(request), version)
    return version_response(request, stored)


async def update(request: Request) -> Response:
    own = server(request)
    type, id = _target(request)
    response_type(request)
    writing.require(own.services, type, "update")
    _refuse_conditions(request)
    resource = await read_resource(request, limit=own.max_body, seconds=own.body_timeout)
    written = await writing.update(own.services, type, id, resource, if_match=if_match(request))
    return written_response(request, written)


async def patch(request: Request) -> Response:
    own = server(request)
    type, id = _target(request)
    response_type(request)
    writing.require(own.services, type, "patch")
    _refuse_conditions(request)
    change = await read_patch(request)
    written = await patching.patch(own.services, type, id, change, if_match=if_match(request))
    return written_response(request, written)


async def delete(request: Request) -> Response:
    type, id = _target(request)
    _refuse_conditions(request)
    services, base = server(request).services, base_url(request)
    written = await writing.delete(services, type, id, base, if_match=if_match(request))
    return deleted_response(request, written, f"{type}/{id}")


def _target(request: Request) -> tuple[str, str]:
    return request.path_params["type"], request.path_params["id"]


def _refuse_conditions(request: Request) -> None:
    """A condition that is passed over would make another write than the client asked for."""
    refuse_headers(request, CONDITIONS)
    if set(request.query_params) - FORMATS:
        raise UnsupportedParameter("criteria have no place beside an id")
