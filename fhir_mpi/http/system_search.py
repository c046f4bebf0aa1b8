"""Searches of several types: GET [base]?_type=… and POST [base]/_search (R5 search.html#searchcontexts).

The types follow each other, in the order of the CapabilityStatement. What is asked must be known to each
of them, so that no criterion is passed over for one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue, MethodNotAllowed
from fhir_mpi.http.negotiation import response_type
from fhir_mpi.http.search import Found, search_context, search_pairs, searchset_response, turned
from fhir_mpi.http.state import server
from fhir_mpi.interactions import reading
from fhir_mpi.interactions.identities import followed
from fhir_mpi.interactions.reading import Turn
from fhir_mpi.interactions.services import Services
from fhir_mpi.search.query import SearchRequest
from fhir_mpi.search.results import FORMATS
from fhir_mpi.search.term import SearchContext
from fhir_mpi.storage.port import Page, Stored

TYPE = "_type"


@dataclass(frozen=True, slots=True)
class Part:
    """The search of one of the types."""

    type: str
    wanted: SearchRequest


async def system_search(request: Request) -> Response:
    """A searchset of several types."""
    own, context = server(request), search_context(request)
    response_type(request)
    _require(own.services)
    given = await search_pairs(request)
    asked = [(name, value) for name, value in given if name != TYPE]
    named = [value for name, value in given if name == TYPE and value]
    if not named and not [name for name, _ in asked if name not in FORMATS]:
        raise InvalidRequest("a search of the whole server wants _type or a criterion", expression="http")
    types = _types(own.services, named)
    parts = [Part(type, await _request(own.services, type, asked, context)) for type in types]
    results = parts[0].wanted.results
    understood = ((TYPE, ",".join(types)), *parts[0].wanted.understood)
    turn = turned(own.cursors, results.cursor, f"?{urlencode(understood)}")
    page = await _page(own.services, parts, results.count, turn)
    totals = [await own.services.store.count(p.type, p.wanted.filter) for p in parts if results.total]
    found = Found("", understood, results, page, sum(totals) if totals else None)
    return await searchset_response(request, found, parts[0].wanted.warnings)


async def _request(
    services: Services, type: str, asked: Sequence[tuple[str, str]], context: SearchContext
) -> SearchRequest:
    return await followed(services, services.intake.search.request(type, asked, context=context))


def _require(services: Services) -> None:
    codes = {each["code"] for each in services.definitions.statement["rest"][0].get("interaction", ())}
    if "search-system" not in codes:
        raise MethodNotAllowed("this server does not offer a search of several types")


def _types(services: Services, named: Sequence[str]) -> Sequence[str]:
    """Those that are named, or every one that can be searched, in the order of the definitions."""
    offered = services.definitions.interactions.items()
    searched = [type for type, codes in offered if "search-type" in codes]
    wanted = {type for value in named for type in value.split(",") if type}
    if unknown := sorted(wanted - set(searched)):
        raise InvalidValue(
            f"_type names {unknown[0][:64]!r}, which can't be searched here", expression="http._type"
        )
    return [type for type in searched if type in wanted] if wanted else searched


async def _page(services: Services, parts: Sequence[Part], count: int, turn: Turn) -> Page:
    """One page over the parts, from one into the next. A position is the number of a part and a position in
    it, or None for its beginning; backwards, for its end.
    """
    way = -1 if turn.backwards else 1
    at = len(parts) - 1 if turn.backwards else 0
    number, position = json.loads(turn.position) if turn.position else (at, None)
    found: list[Stored] = []
    ends: list[str] = []
    while 0 <= number < len(parts):
        part, room = parts[number], count - len(found)
        if room <= 0:
            if count and await services.store.count(part.type, part.wanted.filter):
                return _paged(found, ends, json.dumps([number, None]), turn)
        else:
            page = await reading.page(
                services, part.type, part.wanted, Turn(position, turn.backwards), limit=room
            )
            found = [*page.resources, *found] if turn.backwards else [*found, *page.resources]
            ahead, behind = (page.previous, page.next) if turn.backwards else (page.next, page.previous)
            if page.resources:
                ends.append(json.dumps([number, behind] if behind else [number - way, None]))
            if ahead is not None:
                return _paged(found, ends, json.dumps([number, ahead]), turn)
        number, position = number + way, None
    return _paged(found, ends, None, turn)


def _paged(found: Sequence[Stored], ends: Sequence[str], ahead: str | None, turn: Turn) -> Page:
    """The page with its positions; `ends` say where each part of it is gone on from the other way."""
    behind = ends[0] if ends and turn.position is not None else None
    return Page(found, *((behind, ahead) if turn.backwards else (ahead, behind)))
