"""Every write goes through here: it is committed together with what it means for golden records.

What can't be linked inside of the transaction, because there is too much to look at or others keep
changing it, waits in a queue that is written with it (see `waiting`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Final, TypeAlias

from fhir_mpi.fhir.outcome import FhirError, Forbidden
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.arriving import Arrival, linked
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.merging import is_retired
from fhir_mpi.mdm.tags import MANAGING, STATUS, is_excluded, is_managed
from fhir_mpi.storage.port import (
    ClaimConflict,
    LinkConflict,
    Pending,
    Stored,
    UnitOfWork,
    Write,
    WriteConflict,
)

Place: TypeAlias = tuple[str, str]
Before: TypeAlias = Mapping[Place, Stored]
ATTEMPTS: Final = 5
"""How often what is linked inside of a transaction is planned anew; then it waits."""
CONFLICTS: Final = (ClaimConflict, LinkConflict, WriteConflict)
CHANGED: Final = "HAPI-0764: The HAPI-MDM tag on a resource may not be changed once created."
MODIFIED: Final = (
    "HAPI-0765: Cannot create or modify Resources that are managed by MDM. This resource contains a tag with"
    f" one of these systems: {STATUS} or {MANAGING}"
)


class ForbiddenByMdm(Forbidden):
    """`places` are the resources that can't be written as they are."""

    def __init__(self, refusal: FhirError, place: Place) -> None:
        super().__init__(str(refusal), expression=refusal.issues[0].expression)
        self.places = frozenset({place})


async def commit(services: Services, work: UnitOfWork) -> None:
    """Commits writes with the links and golden records that follow from them.

    ForbiddenByMdm where one writes a golden record, or EIDs that a source may not have. Otherwise raises
    what the store does, about what was asked for.
    """
    sources = [write for write in work.writes if services.mdm.links(write.version.type)]
    if not sources:
        await services.keys.commit(work)
        return
    before = await _current(services, sources)
    for write in sources:
        _refuse(services, write.version, before.get((write.version.type, write.version.id)))
    for attempt in range(ATTEMPTS):
        async with services.mdm.line if attempt else nullcontext():
            try:
                planned = await _planned(services, sources, before)
                await services.keys.commit(together(work, *planned))
                break
            except CONFLICTS as conflict:
                if _is_callers(work, conflict):
                    raise
    else:
        planned = [UnitOfWork((), pending=[_pending(write.version) for write in sources])]
        await services.keys.commit(together(work, *planned))
    if any(each.pending for each in planned):
        services.mdm.waiting.set()


def together(*works: UnitOfWork) -> UnitOfWork:
    """Units of work as one; what the first has beside of these stays."""
    return replace(
        works[0],
        writes=[write for work in works for write in work.writes],
        claims=[claim for work in works for claim in work.claims],
        links=[link for work in works for link in work.links],
        pending=[each for work in works for each in work.pending],
        settled=[each for work in works for each in work.settled],
        standing=[version for work in works for version in work.standing],
    )


async def _current(services: Services, sources: Sequence[Write]) -> Before:
    found: dict[Place, Stored] = {}
    for type, writes in _by_type(sources).items():
        ids = [write.version.id for write in writes if write.expected]
        stored = await services.store.read_many(type, ids) if ids else ()
        found |= {(type, each.id): each for each in stored}
    return found


def _refuse(services: Services, version: Stored, before: Stored | None) -> None:
    place = version.type, version.id
    was = before is not None and is_managed(before.resource)
    stays = not version.deleted and is_managed(version.resource)
    if was or stays:
        changes = before is not None and not version.deleted and was != stays
        raise ForbiddenByMdm(Forbidden(CHANGED if changes else MODIFIED, expression=version.type), place)
    if not version.deleted:
        try:
            services.mdm.rules.eids.check(version.resource, before.resource if before else None)
        except Forbidden as refusal:
            raise ForbiddenByMdm(refusal, place) from refusal


async def _planned(services: Services, sources: Sequence[Write], before: Before) -> list[UnitOfWork]:
    """What links these, type by type. Of very many only the deletions are done at once."""
    most, planned = services.mdm.at_once, []
    for type, writes in _by_type(sources).items():
        now = [write for write in writes if len(writes) <= most or write.version.deleted]
        later = [_pending(write.version) for write in writes if write not in now]
        arrivals = [await _arrival(services, write, before.get((type, write.version.id))) for write in now]
        work = await linked(services, type, arrivals, most=most) if arrivals else UnitOfWork(())
        planned.append(replace(work, pending=[*work.pending, *later]))
    return planned


async def _arrival(services: Services, write: Write, before: Stored | None) -> Arrival:
    version = write.version
    if version.deleted or before is None:
        return Arrival(version)
    if is_retired(version.resource):  # it was replaced by another record of the same person
        return Arrival(version, rematch=False)
    now, then = [await _identity(services, resource) for resource in (version.resource, before.resource)]
    return Arrival(version, rematch=now != then)


async def _identity(services: Services, resource: Resource) -> tuple[object, ...]:
    """What decides whom a source is linked to."""
    cleaned, rules = services.mdm.cleaned(resource), services.mdm.rules
    blocked = rules.blocklist.blocks(cleaned)
    record = (await services.matchers[resource["resourceType"]].blocking()).record(cleaned)
    return record, rules.eids.of(cleaned), is_excluded(resource), blocked


def _pending(version: Stored) -> Pending:
    return Pending(version.type, version.id, version.version)


def _by_type(writes: Iterable[Write]) -> Mapping[str, list[Write]]:
    found: dict[str, list[Write]] = {}
    for write in writes:
        found.setdefault(write.version.type, []).append(write)
    return found


def _is_callers(work: UnitOfWork, conflict: Exception) -> bool:
    """Whether a conflict is about what was asked for, and not about what follows from it."""
    if isinstance(conflict, WriteConflict):
        return (conflict.type, conflict.id) in set(_places(work))
    if isinstance(conflict, ClaimConflict):
        return conflict.key in {claim.key for claim in work.claims}
    return False


def _places(work: UnitOfWork) -> Iterator[Place]:
    return ((version.type, version.id) for version in (*(w.version for w in work.writes), *work.standing))
