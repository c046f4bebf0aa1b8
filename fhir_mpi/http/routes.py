"""The routes, as data. Which types and interactions exist is looked up in the definitions, not here."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Final

from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from fhir_mpi.definitions import Definitions, check_partners
from fhir_mpi.http import conditional, health, history, interactions, jobs, published
from fhir_mpi.http.batches import batch
from fhir_mpi.http.capability import metadata
from fhir_mpi.http.idempotency import SAFE, idempotently
from fhir_mpi.http.openapi import pages
from fhir_mpi.http.operations import operation_endpoint, operation_methods, places
from fhir_mpi.http.search import search
from fhir_mpi.http.system_search import system_search
from fhir_mpi.interactions.published import TYPES
from fhir_mpi.operations.call import Handler

Endpoint = Callable[[Request], Awaitable[Response]]
Methods = Mapping[str, Endpoint]

ROOT: Final[Mapping[str, Methods]] = {
    "/livez": {"GET": health.livez},
    "/readyz": {"GET": health.readyz},
    "/openapi.json": {"GET": pages.openapi},
    "/docs": {"GET": pages.docs},
}
WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
FHIR: Final[Mapping[str, Methods]] = {
    "": {"GET": system_search, "POST": batch},
    "/": {"GET": system_search, "POST": batch},
    "/_search": {"POST": system_search},
    "/metadata": {"GET": metadata},
    "/_history": {"GET": history.system_history},
    "/_jobs/{id:fhir_id}": {"GET": jobs.follow, "DELETE": jobs.take_away},
    "/{type:fhir_published}": {"GET": published.search, **dict.fromkeys(WRITES, published.refuse)},
    "/{type:fhir_published}/_search": {"POST": published.search},
    "/{type:fhir_published}/{id:fhir_id}": {
        "GET": published.read,
        **dict.fromkeys(WRITES, published.refuse),
    },
    "/{type:fhir_type}": {
        "GET": search,
        "POST": interactions.create,
        "PUT": conditional.update,
        "PATCH": conditional.patch,
        "DELETE": conditional.delete,
    },
    "/{type:fhir_type}/_search": {"POST": search},
    "/{type:fhir_type}/_history": {"GET": history.type_history},
    "/{type:fhir_type}/{id:fhir_id}": {
        "GET": interactions.read,
        "PUT": interactions.update,
        "PATCH": interactions.patch,
        "DELETE": interactions.delete,
    },
    "/{type:fhir_type}/{id:fhir_id}/_history": {"GET": history.instance_history},
    "/{type:fhir_type}/{id:fhir_id}/_history/{version:fhir_id}": {"GET": interactions.read_version},
}


class FhirId(Convertor[str]):
    """A logical id (R5 datatypes.html#id); keeps `$match` and `_history` out of `/{type}/{id}`."""

    regex = r"[A-Za-z0-9\-.]{1,64}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class FhirType(FhirId):
    """A resource type's name, served or not."""

    regex = r"[A-Z][A-Za-z]{0,63}"


class PublishedType(FhirId):
    """A type that is served from the definitions."""

    regex = "|".join(TYPES)


class NamedRoute(Route):
    """One path with an endpoint per method; it tells the log and the metrics its template.

    `changes` says whether what is no GET changes something.
    """

    def __init__(self, path: str, methods: Methods, *, changes: bool = True) -> None:
        async def dispatch(request: Request) -> Response:
            if not changes or request.method in SAFE:
                return await methods["GET" if request.method == "HEAD" else request.method](request)
            return await idempotently(request, methods[request.method])

        super().__init__(path, dispatch, methods=list(methods))
        self.offered = [method for method in self.methods or () if methods.get(method) != published.refuse]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        if match is not Match.NONE:
            found["fhir_mpi.route"] = self.path
        return match, found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """405 names the methods that are of use: some are taken only to say why they are refused."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405, headers={"allow": ", ".join(sorted(self.offered))})
        await super().handle(scope, receive, send)


class OperationRoutes(BaseRoute):
    """The routes of every operation; only those of the code that is asked for are tried."""

    def __init__(self, routes: Iterable[NamedRoute]) -> None:
        self.routes = list(routes)
        self._by_code: dict[str, list[NamedRoute]] = {}
        for route in self.routes:
            self._by_code.setdefault(route.path.rpartition("$")[2], []).append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        for route in self._by_code.get(scope["path"].rpartition("$")[2], ()):
            match, found = route.matches(scope)
            if match is not Match.NONE:
                return match, {**found, "fhir_mpi.operation": route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["fhir_mpi.operation"].handle(scope, receive, send)


def routes(base_path: str, definitions: Definitions, handlers: Mapping[str, Handler]) -> list[BaseRoute]:
    """Every route of the server; DefinitionError where an operation has no function or no definition."""
    check_partners("operation", definitions.operations, handlers)
    register_url_convertor("fhir_id", FhirId())
    register_url_convertor("fhir_type", FhirType())
    register_url_convertor("fhir_published", PublishedType())
    return [
        OperationRoutes(_operation_routes(base_path, definitions, handlers)),
        *(NamedRoute(path, methods) for path, methods in ROOT.items()),
        *(
            NamedRoute(base_path + path, methods, changes=not path.endswith("/_search"))
            for path, methods in FHIR.items()
            if base_path + path
        ),
    ]


def _operation_routes(
    base_path: str, definitions: Definitions, handlers: Mapping[str, Handler]
) -> Iterator[NamedRoute]:
    for name, handler in handlers.items():
        definition = definitions.operations[name]
        for path, type in places(definition, definitions.types):
            endpoint = operation_endpoint(definition, handler, type)
            methods = dict.fromkeys(operation_methods(definition), endpoint)
            yield NamedRoute(base_path + path, methods, changes=definition["affectsState"])
