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
from fhir_mpi.http.search import Found, search_context, search_pairs, searchset_response
from fhir_mpi.http.state import server
from fhir_mpi.interactions import reading
from fhir_mpi.interactions.services import Services
from fhir_mpi.search.query import SearchRequest
from fhir_mpi.search.results import FORMATS
from fhir_mpi.storage.port import Stored

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
    search = own.services.intake.search
    parts = [Part(type, search.request(type, asked, context=context)) for type in types]
    results = parts[0].wanted.results
    understood = ((TYPE, ",".join(types)), *parts[0].wanted.understood)
    after = own.cursors.position(results.cursor, f"?{urlencode(understood)}") if results.cursor else None
    resources, following = await _page(own.services, parts, results.count, after)
    totals = [await own.services.store.count(p.type, p.wanted.filter) for p in parts if results.total]
    found = Found("", understood, results, resources, sum(totals) if totals else None, following)
    return await searchset_response(request, found, parts[0].wanted.warnings)


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


async def _page(
    services: Services, parts: Sequence[Part], count: int, after: str | None
) -> tuple[list[Stored], str | None]:
    """The resources of one page, and the position of the next: a part, and a position in it."""
    first, position = json.loads(after) if after is not None else (0, None)
    found: list[Stored] = []
    for number in range(first, len(parts)):
        part, room = parts[number], count - len(found)
        if room <= 0:
            if count and await services.store.count(part.type, part.wanted.filter):
                return found, json.dumps([number, None])
            continue
        page = await reading.page(services, part.type, part.wanted, position, limit=room)
        found += page.resources
        if page.next is not None:
            return found, json.dumps([number, page.next])
        position = None
    return found, None
