"""History of a resource, of a type and of the whole server (R5 http.html#history)."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from fhir_mpi.fhir.outcome import MethodNotAllowed, NotFound
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import require
from fhir_mpi.storage.port import Changes, Page, Stored

MOST_SCANNED: Final = 10_000
"""Versions that one request looks through for those that were current at a time."""
VersionKey: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions: those made from `since` on, or those that were current at some time from
    `at[0]` to `at[1]`.
    """

    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """Versions of one page; `next` is the store's position of the page after it.

    `created` are those that made a resource, or brought it back after a deletion. `total` is None where
    counting would cost more than the page.
    """

    versions: Sequence[Stored]
    created: Collection[VersionKey]
    total: int | None
    next: str | None


def version_key(stored: Stored) -> VersionKey:
    return stored.type, stored.id, stored.version


async def instance_history(
    services: Services, type: str, id: str, query: Changes, span: Span
) -> HistoryResult:
    """The versions of one resource, deletions included. NotFound where it never was."""
    require(services, type, "history-instance")
    if not await services.store.heads(type, [id]):
        raise NotFound(f"{type}/{id} is not known")
    found = await _history(services, replace(query, types=(type,), id=id), span)
    return replace(found, total=await services.store.version_count(type, id)) if span == Span() else found


async def type_history(services: Services, type: str, query: Changes, span: Span) -> HistoryResult:
    """The versions of every resource of a type."""
    require(services, type, "history-type")
    return await _history(services, replace(query, types=(type,)), span)


async def system_history(services: Services, query: Changes, span: Span) -> HistoryResult:
    """The versions of everything whose type has a history."""
    codes = {each["code"] for each in services.definitions.statement["rest"][0].get("interaction", ())}
    if "history-system" not in codes:
        raise MethodNotAllowed("this server does not offer a history of everything")
    offered = services.definitions.interactions.items()
    types = [type for type, interactions in offered if "history-type" in interactions]
    return await _history(services, replace(query, types=types), span)


async def _history(services: Services, query: Changes, span: Span) -> HistoryResult:
    if span.at is None:
        page = await services.store.changes(replace(query, since=span.since))
    else:
        page = await _current_at(services, query, *span.at)
    return HistoryResult(page.resources, await _created(services, page.resources), None, page.next)


async def _current_at(services: Services, query: Changes, low: datetime, high: datetime) -> Page:
    """A page of those that were made before `high` and not followed before `low`.

    It may be shorter than others, and empty where very many versions were followed: it still leads on.
    """
    scanned, page = 0, Page((), query.after)
    while not page.resources and scanned < MOST_SCANNED:
        raw = await services.store.changes(replace(query, until=high, after=page.next))
        stood = await asyncio.gather(*(_stood(services, stored, low) for stored in raw.resources))
        page = Page([s for s, kept in zip(raw.resources, stood, strict=True) if kept], raw.next)
        scanned += len(raw.resources)
        if raw.next is None:
            break
    return page


async def _stood(services: Services, stored: Stored, low: datetime) -> bool:
    """Whether a version was followed by the next one after `low` only."""
    following = await services.store.read_version(stored.type, stored.id, stored.version + 1)
    return following is None or following.last_updated > low


async def _created(services: Services, versions: Sequence[Stored]) -> Collection[VersionKey]:
    known = {version_key(stored): stored for stored in versions}

    async def made(stored: Stored) -> bool:
        if stored.deleted or stored.version == 1:
            return not stored.deleted
        type, id, before = stored.type, stored.id, stored.version - 1
        older = known.get((type, id, before)) or await services.store.read_version(type, id, before)
        return older is not None and older.deleted  # one that was expunged is taken for no deletion

    told = await asyncio.gather(*(made(stored) for stored in versions))
    return {version_key(stored) for stored, created in zip(versions, told, strict=True) if created}
