"""Read, vread, history and search (R5 http.html)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.outcome import Gone, NotFound, TooCostly
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import require
from fhir_mpi.search.filters import EVERYTHING, Query
from fhir_mpi.search.query import SearchRequest
from fhir_mpi.storage.port import Stored


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of what a search found; `next` is the store's position of the page after it.

    `total` is None where it was not asked for.
    """

    resources: Sequence[Stored]
    total: int | None
    next: str | None


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """Versions, newest first; `next` is the version that the page after it lies below.

    `created` are those that made the resource, or brought it back after a deletion.
    """

    versions: Sequence[Stored]
    created: Collection[int]
    total: int
    next: int | None


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


async def history(
    services: Services, type: str, id: str, *, count: int, before: int | None = None
) -> HistoryResult:
    """The versions of one resource, deletions included. NotFound where it never was."""
    require(services, type, "history-instance")
    head = (await services.store.heads(type, [id])).get(id)
    if head is None:
        raise NotFound(f"{type}/{id} is not known")
    found = await services.store.history(type, id, limit=count + 1, before=before)
    page = found[:count]
    before_each = [*found[1:], None]
    created = {
        version.version
        for version, older in zip(found, before_each, strict=True)
        if not version.deleted and (older is None or older.deleted)
    }
    more = page[-1].version if len(found) > count and page else None
    return HistoryResult(page, created, head.version, more)


async def search(services: Services, type: str, request: SearchRequest, after: str | None) -> SearchResult:
    """One page, and how many match in all. TooCostly where a setting forbids a search without criteria."""
    require(services, type, "search-type")
    if request.filter == EVERYTHING and not services.limits.search_without_criteria:
        raise TooCostly("this server wants at least one search criterion")
    wanted = request.results
    total = await services.store.count(type, request.filter) if wanted.total else None
    if wanted.count == 0:
        return SearchResult((), total, None)
    page = await services.store.search(Query(type, request.filter, wanted.count, wanted.sort, after))
    return SearchResult(page.resources, total, page.next)


def _present(found: Stored | None, what: str) -> Stored:
    if found is None:
        raise NotFound(f"{what} is not known")
    if found.deleted:
        raise Gone(f"Resource was deleted at {instant(found.last_updated)}")
    return found
