"""Read, vread and search (R5 http.html)."""

from dataclasses import dataclass

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.outcome import Gone, NotFound, TooCostly
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import require
from fhir_mpi.search.filters import EVERYTHING, Query
from fhir_mpi.search.query import SearchRequest
from fhir_mpi.storage.port import Page, Stored


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of what a search found. `total` is None where it was not asked for."""

    page: Page
    total: int | None


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page is wanted: the first, the one that begins after a position of the store's, or the one that
    ends before it; `backwards` without a position, the last.
    """

    position: str | None = None
    backwards: bool = False


async def read(services: Services, type: str, id: str) -> Stored:
    """The current version. NotFound where it never was, Gone where it is deleted."""
    require(services, type, "read")
    found = await services.store.read(type, id)
    return _present(found, f"{type}/{id}")


async def read_version(services: Services, type: str, id: str, version: str) -> Stored:
    """One version. NotFound for a version that never was, Gone for a deletion."""
    require(services, type, "vread")
    known = version.isascii() and version.isdigit() and len(version) < 10
    found = await services.store.read_version(type, id, int(version)) if known else None
    return _present(found, f"{type}/{id}/_history/{version}")


async def search(services: Services, type: str, request: SearchRequest, turn: Turn) -> SearchResult:
    """One page, and how many match in all. TooCostly where a setting forbids a search without criteria."""
    require(services, type, "search-type")
    total = await services.store.count(type, request.filter) if request.results.total else None
    return SearchResult(await page(services, type, request, turn, limit=request.results.count), total)


async def page(services: Services, type: str, request: SearchRequest, turn: Turn, *, limit: int) -> Page:
    """At most `limit` resources, none of them where that is 0."""
    if request.filter == EVERYTHING and not services.limits.search_without_criteria:
        raise TooCostly("this server wants at least one search criterion")
    if limit == 0:
        return Page((), None)
    sort = request.results.sort
    return await services.store.search(
        Query(type, request.filter, limit, sort, turn.position, turn.backwards)
    )


def _present(found: Stored | None, what: str) -> Stored:
    if found is None:
        raise NotFound(f"{what} is not known")
    if found.deleted:
        raise Gone(f"Resource was deleted at {instant(found.last_updated)}")
    return found
