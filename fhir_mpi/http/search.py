"""Searches of one type: GET [base]/[type]?… and POST [base]/[type]/_search (R5 search.html)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.bundle import match_entry, searchset
from fhir_mpi.fhir.outcome import InvalidRequest, Issue
from fhir_mpi.fhir.subset import Shape
from fhir_mpi.fhir.types import Json
from fhir_mpi.http.answers import preferences
from fhir_mpi.http.bodies import read_body
from fhir_mpi.http.cursors import Cursors
from fhir_mpi.http.negotiation import check_body_type, response_type
from fhir_mpi.http.responses import fhir_response, shaped
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions import reading, writing
from fhir_mpi.interactions.identities import followed
from fhir_mpi.interactions.including import Included, included
from fhir_mpi.interactions.reading import Turn
from fhir_mpi.search.results import CURSOR, Results
from fhir_mpi.search.term import SearchContext
from fhir_mpi.storage.port import Page, Stored

FORM: Final = "application/x-www-form-urlencoded"
BACK: Final = "<"
"""Begins the position of a page that ends there. No store begins one of its own so."""
HANDLING: Final = re.compile(r"handling=\"?(lenient|strict)\"?")


async def search(request: Request) -> Response:
    """A searchset: the matches of one page, and what comes along with them."""
    own, type = server(request), request.path_params["type"]
    response_type(request)
    writing.require(own.services, type, "search-type")
    wanted = own.services.intake.search.request(
        type, await search_pairs(request), context=search_context(request)
    )
    wanted = await followed(own.services, wanted)
    asked = f"{type}?{urlencode(wanted.understood)}"
    turn = turned(own.cursors, wanted.results.cursor, asked)
    result = await reading.search(own.services, type, wanted, turn)
    found = Found(type, wanted.understood, wanted.results, result.page, result.total)
    return await searchset_response(request, found, wanted.warnings)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search at `path` below the base."""

    path: str
    understood: tuple[tuple[str, str], ...]
    results: Results
    page: Page
    total: int | None


def turned(cursors: Cursors, cursor: str | None, asked: str) -> Turn:
    """The page that a cursor stands for: what `links` wrote into it."""
    if not cursor:
        return Turn()
    position = cursors.position(cursor, asked)
    return Turn(position.removeprefix(BACK), position.startswith(BACK))


async def searchset_response(request: Request, found: Found, warnings: Sequence[Issue]) -> Response:
    """The searchset of a page: its matches, what comes along with them, and its links."""
    own, base, shape = server(request), base_url(request), found.results.shape
    along = await included(own.services, found.page.resources, found.results.includes, base)
    entries = [
        *(_entry(base, stored, shape, "match") for stored in found.page.resources),
        *(_entry(base, stored, shape, "include") for stored in along.resources),
    ]
    told = [*warnings, *_cut(own.services.limits.included, along)]
    bundle = searchset(entries, total=found.total, links=links(request, found), warnings=told)
    return fhir_response(request, bundle)


def links(request: Request, found: Found) -> dict[str, str]:
    """`self`, `first` and, where there are such pages, `previous` and `next` of a page."""
    asked = f"{found.path}?{urlencode(found.understood)}"
    here = f"{base_url(request)}/{found.path}".removesuffix("/")
    first = f"{here}?{urlencode(found.understood)}".removesuffix("?")
    told = {"self": first, "first": first}
    if found.results.cursor:
        told["self"] = f"{here}?{urlencode([*found.understood, (CURSOR, found.results.cursor)])}"
    previous = None if found.page.previous is None else f"{BACK}{found.page.previous}"
    for relation, position in (("previous", previous), ("next", found.page.next)):
        if position is not None:
            cursor = server(request).cursors.sign(position, asked)
            told[relation] = f"{here}?{urlencode([*found.understood, (CURSOR, cursor)])}"
    return told


def search_context(request: Request) -> SearchContext:
    """What a search of this request is read against."""
    own = server(request)
    return SearchContext(
        lenient=is_lenient(request, otherwise=own.services.ways.lenient),
        now_ms=int(own.services.clock().timestamp() * 1000),
        base_url=base_url(request),
        linked=frozenset(own.services.matchers),
        default_count=own.services.limits.page_size,
        max_count=own.services.limits.page_size_max,
    )


def is_lenient(request: Request, *, otherwise: bool) -> bool:
    """Whether the client prefers that what isn't known is passed over (R5 search.html#errors)."""
    found = next((match[1] for p in preferences(request) if (match := HANDLING.fullmatch(p))), None)
    return otherwise if found is None else found == "lenient"


async def search_pairs(request: Request) -> Sequence[tuple[str, str]]:
    """The parameters in the query and, of a POST, in its form."""
    found = pairs(request.url.query)
    if request.method != "POST":
        return found
    check_body_type(request, frozenset({FORM}))
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
