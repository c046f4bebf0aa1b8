"""Where an operation can be called, and its endpoint, built from its OperationDefinition."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.operation_answer import check_answer
from fhir_mpi.fhir.operation_definition import can_be_read, inputs, needs_body, operation_types
from fhir_mpi.fhir.outcome import InvalidRequest, MethodNotAllowed
from fhir_mpi.fhir.parameters import read_parameters
from fhir_mpi.fhir.types import Resource
from fhir_mpi.http.bodies import read_body
from fhir_mpi.http.jobs import accepted_response, prefers_async
from fhir_mpi.http.negotiation import check_body_type, prefers_html, response_type
from fhir_mpi.http.paging import CURSOR, pages
from fhir_mpi.http.responses import fhir_response, html_response
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions.conditional import FORMATS
from fhir_mpi.operations.background import DEFERRED, defer
from fhir_mpi.operations.call import Answer, Call, Handler
from fhir_mpi.operations.table import AS_PAGE, is_offered


def places(definition: Resource, served: Sequence[str]) -> Iterable[tuple[str, str | None]]:
    """Path and resource type of every place that the definition names among the served types.

    >>> where = {"system": False, "type": True, "instance": False}
    >>> list(places({"code": "match", "resource": ["Patient"], **where}, ["Patient", "Person"]))
    [('/Patient/$match', 'Patient')]
    """
    code = definition["code"]
    if definition["system"]:
        yield f"/${code}", None
    for type in operation_types(definition, served):
        if definition["type"]:
            yield f"/{type}/${code}", type
        if definition["instance"]:
            yield f"/{type}/{{id:fhir_id}}/${code}", type


def operation_methods(definition: Resource) -> Sequence[str]:
    """POST always, GET where that is allowed (R5 operations.html#request)."""
    return ["GET", "POST"] if can_be_read(definition) else ["POST"]


def operation_endpoint(
    definition: Resource, handler: Handler, type: str | None
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: body, parameters as defined, the function, the answer."""
    paged = any(parameter["name"] == CURSOR for parameter in inputs(definition))

    async def run(request: Request) -> Response:
        own = server(request)
        html = definition["id"] in AS_PAGE and prefers_html(request)
        if not html:
            response_type(request)
        if not is_offered(definition["id"], own.services.limits):
            raise MethodNotAllowed(f"${definition['code']} is not enabled on this server")
        parameters = read_parameters(definition, await _body(request, definition), _query(request))
        id, found = request.path_params.get("id"), pages(request, parameters) if paged else None
        after, later = found.after if found else None, prefers_async(request)
        call = Call(parameters, base_url(request), type, id, after, later)
        if later and definition["id"] in DEFERRED:
            job = await defer(own.services, definition["id"], call)
            return accepted_response(call.base_url, job.id)
        answer = await handler(own.services, call)
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        check_answer(definition, answer.resource)
        if html and answer.page is not None:
            return html_response(answer.page())
        resource = found.linked(answer.resource, answer.next) if found else answer.resource
        return fhir_response(request, resource, answer.status, answer.headers)

    return run


async def _body(request: Request, definition: Resource) -> Resource | None:
    """The resource in the body; None for a GET, and for an empty body where nothing must stand in it."""
    if request.method != "POST":
        return None
    own = server(request)
    limit = own.max_match_body if definition["code"] == "match" else own.max_body
    check_body_type(request)
    body = await read_body(request, limit=limit, seconds=own.body_timeout)
    return decode(body) if body or needs_body(definition) else None


def _query(request: Request) -> Sequence[tuple[str, str]]:
    if not request.url.query:
        return ()
    try:
        pairs = parse_qsl(request.url.query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest("the query is not UTF-8", expression="http") from error
    return [(name, value) for name, value in pairs if name not in FORMATS]
