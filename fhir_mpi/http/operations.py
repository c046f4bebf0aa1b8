"""Where an operation can be called, and its endpoint, built from its OperationDefinition."""

from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.parameters import read_parameters
from fhir_mpi.fhir.types import Resource
from fhir_mpi.http.bodies import read_resource
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.responses import fhir_response
from fhir_mpi.http.state import base_url, server
from fhir_mpi.operations.call import Call, Handler


def places(definition: Resource) -> Iterable[tuple[str, str | None]]:
    """Path and resource type of every place that the definition names.

    >>> where = {"system": False, "type": True, "instance": False}
    >>> list(places({"code": "match", "resource": ["Patient"], **where}))
    [('/Patient/$match', 'Patient')]
    """
    code = definition["code"]
    if definition["system"]:
        yield f"/${code}", None
    for type in definition.get("resource", []):
        if definition["type"]:
            yield f"/{type}/${code}", type
        if definition["instance"]:
            yield f"/{type}/{{id:fhir_id}}/${code}", type


def operation_endpoint(
    definition: Resource, handler: Handler, type: str | None
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: body, parameters as defined, the function, the answer."""

    async def run(request: Request) -> Response:
        own = server(request)
        response_type(request)
        body = await read_resource(request, limit=own.max_match_body, seconds=own.body_timeout)
        call = Call(read_parameters(definition, body), base_url(request), type, request.path_params.get("id"))
        return fhir_response(request, await handler(own.services, call))

    return run
