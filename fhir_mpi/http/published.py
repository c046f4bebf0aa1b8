"""GET [base]/OperationDefinition and the like: the definitions that the server runs by."""

import hashlib
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.bundle import match_entry, searchset
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import UnsupportedParameter
from fhir_mpi.http.capability import statement
from fhir_mpi.http.conditions import unless_known
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.responses import fhir_response, shaped
from fhir_mpi.http.search import Found, links, search_context, search_pairs, turned
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions.published import refusal
from fhir_mpi.storage.port import Page


async def read(request: Request) -> Response:
    """The definition; its ETag is made of its content, for it has no versions."""
    type, id = request.path_params["type"], request.path_params["id"]
    body = encode(server(request).published.read(type, id, partial(statement, request)))
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    return unless_known(request, body, {"etag": f'W/"{tag}"'}, tag=tag)


async def search(request: Request) -> Response:
    """A searchset, page by page."""
    own, type, base = server(request), request.path_params["type"], base_url(request)
    response_type(request)
    wanted = own.published.search.request(type, await search_pairs(request), context=search_context(request))
    results = wanted.results
    if results.includes:
        raise UnsupportedParameter(f"nothing comes along with {type}", expression="http._include")
    asked = f"{type}?{urlencode(wanted.understood)}"
    turn = turned(own.cursors, results.cursor, asked)
    matches = own.published.find(type, wanted.filter, results.sort, partial(statement, request))
    start = max(0, int(turn.position or 0) - (results.count if turn.backwards else 0))
    end = start + results.count
    page = Page(
        (),
        next=str(end) if results.count and end < len(matches) else None,
        previous=str(start) if results.count and start > 0 else None,
    )
    found = Found(type, wanted.understood, results, page, len(matches) if results.total else None)
    entries = [
        match_entry(f"{base}/{type}/{one['id']}", shaped(encode(one), results.shape), {"mode": "match"})
        for one in matches[start:end]
    ]
    return fhir_response(
        request, searchset(entries, total=found.total, links=links(request, found), warnings=wanted.warnings)
    )


async def refuse(request: Request) -> Response:
    """Every way to write."""
    raise refusal(request.path_params["type"], allow=("GET", "HEAD"))
