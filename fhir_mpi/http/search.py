"""Searches of one type: GET [base]/[type]?… and POST [base]/[type]/_search (R5 search.html)."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.bundle import match_entry, searchset
from fhir_mpi.fhir.outcome import InvalidRequest, Issue
from fhir_mpi.fhir.subset import Shape
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.bodies import read_body
from fhir_mpi.http.negotiation import check_body_type, response_type
from fhir_mpi.http.responses import fhir_response, shaped
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions import reading, writing
from fhir_mpi.interactions.including import Included, included
from fhir_mpi.search.term import SearchContext
from fhir_mpi.storage.port import Stored


async def search(request: Request) -> Response:
    """A searchset: the matches of one page, and what comes along with them."""
    own, type = server(request), request.path_params["type"]
    response_type(request)
    writing.require(own.services, type, "search-type")
    context = search_context(request)
    wanted = own.services.intake.search.request(type, await search_pairs(request), context=context)
    results = wanted.results
    asked = f"{type}?{urlencode(wanted.understood)}".removesuffix("?")
    after = own.cursors.position(results.cursor, asked) if results.cursor else None
    found = await reading.search(own.services, type, wanted, after)
    along = await included(own.services, found.resources, results.includes, context.base_url)
    here = f"{context.base_url}/{type}"
    links = {"self": f"{context.base_url}/{asked}", "first": f"{context.base_url}/{asked}"}
    if results.cursor:
        links["self"] = f"{here}?{urlencode([*wanted.understood, ('_cursor', results.cursor)])}"
    if found.next is not None:
        more = urlencode([*wanted.understood, ("_cursor", own.cursors.sign(found.next, asked))])
        links["next"] = f"{here}?{more}"
    entries = [
        *(_entry(context.base_url, stored, results.shape, "match") for stored in found.resources),
        *(_entry(context.base_url, stored, results.shape, "include") for stored in along.resources),
    ]
    warnings = [*wanted.warnings, *_cut(own.services.limits.included, along)]
    return fhir_response(request, searchset(entries, total=found.total, links=links, warnings=warnings))


def search_context(request: Request) -> SearchContext:
    """What a search of this request is read against."""
    own = server(request)
    return SearchContext(
        lenient="handling=lenient" in request.headers.get("prefer", "").replace(" ", ""),
        now_ms=int(own.services.clock().timestamp() * 1000),
        base_url=base_url(request),
        default_count=own.services.limits.page_size,
        max_count=own.services.limits.page_size_max,
    )


async def search_pairs(request: Request) -> Sequence[tuple[str, str]]:
    """The parameters in the query and, of a POST, in its form."""
    found = pairs(request.url.query)
    if request.method != "POST":
        return found
    check_body_type(request, frozenset({"application/x-www-form-urlencoded"}))
    own = server(request)
    body = await read_body(request, limit=own.max_body, seconds=own.body_timeout)
    try:
        return [*found, *pairs(body.decode())]
    except UnicodeDecodeError as error:
        raise InvalidRequest("the form is not UTF-8") from error


def pairs(form: str) -> Sequence[tuple[str, str]]:
    """Names and values; bytes that were no UTF-8 stay visible as lone surrogates, which search refuses."""
    return parse_qsl(form, keep_blank_values=True, errors="surrogateescape")


def _entry(base_url: str, stored: Stored, shape: Shape | None, mode: str) -> Json:
    return match_entry(f"{base_url}/{stored.type}/{stored.id}", shaped(stored.json, shape), {"mode": mode})


def _cut(most: int, along: Included) -> Sequence[Issue]:
    if not along.cut:
        return ()
    text = f"more is referred to than comes along: at most {most} included resources a page"
    return (Issue("incomplete", text, severity="warning"),)
