"""Writes by criteria: conditional create, update, patch and delete (R5 http.html#ccreate and on).

Between the search and the commit another writer may come. Where one match was found, the commit
names its version. Where none was found, what is made takes a claim on the criteria, which was looked
at before the search: of all who found nothing by the same criteria one commits, and the others search
again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.outcome import (
    Conflict,
    InvalidRequest,
    NotFound,
    SeveralMatches,
    TooCostly,
    UnsupportedParameter,
)
from fhir_mpi.fhir.storage_response import StorageResponse
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions import patching
from fhir_mpi.interactions.committing import commit
from fhir_mpi.interactions.heads import head_of
from fhir_mpi.interactions.integrity import refuse_referred
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import unit_of_work
from fhir_mpi.interactions.writing import (
    Written,
    check_new_id,
    check_precondition,
    check_type,
    is_unchanged,
    persistently,
    plan_create,
    plan_delete,
    plan_update,
    refuse_part,
    require,
)
from fhir_mpi.search.filters import EVERYTHING, Filter, Query
from fhir_mpi.search.term import SearchContext
from fhir_mpi.storage.port import Claim, Head, Stored, UnitOfWork, Write

_RESULTS: Final = "_count _cursor _elements _include _revinclude _sort _summary _total"
NO_CRITERIA: Final = frozenset(_RESULTS.split())
FORMATS: Final = frozenset({"_format", "_pretty"})


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a client says is met by one resource of `type` at most; `key` is the claim on it."""

    type: str
    filter: Filter
    key: str


def criteria(services: Services, type: str, pairs: Sequence[tuple[str, str]], base_url: str) -> Criteria:
    """The criteria in decoded query pairs, all of which must be understood: one that is passed over
    would have the client write over somebody it did not mean. Raises what a search raises, and
    InvalidRequest where nothing is asked.
    """
    context = SearchContext(now_ms=int(services.clock().timestamp() * 1000), base_url=base_url)
    asked = [(name, value) for name, value in pairs if name not in FORMATS]
    found = services.intake.search.request(type, asked, context=context)
    if ignored := {name.partition(":")[0] for name, _ in asked} & NO_CRITERIA:
        raise UnsupportedParameter(f'"{min(ignored)}" is no criterion of a conditional write')
    if len(found.understood) != len(asked) or found.filter == EVERYTHING:
        raise InvalidRequest("a conditional write needs criteria, and a value for each of them")
    return Criteria(type, found.filter, claim_key(type, found.understood))


def claim_key(type: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The same for the same criteria in any order.

    >>> claim_key("Patient", [("a", "1"), ("b", "2")]) == claim_key("Patient", [("b", "2"), ("a", "1")])
    True
    """
    return sha256(encode([type, *sorted(pairs)])).hexdigest()


async def create(services: Services, wanted: Criteria, resource: Resource) -> Written:
    """Makes the resource unless one meets the criteria, which is then the answer as it is."""
    write, warnings = plan_create(services, wanted.type, resource, services.new_id())

    async def attempt() -> Written:
        holder = await services.store.holder(wanted.key)
        found = await match(services, wanted, "CREATE")
        if found is not None:
            return Written(found, StorageResponse.CREATE_MATCH)
        await commit(services, await unit_of_work(services, [write], [_claim(wanted, write, holder)]))
        return Written(write.version, StorageResponse.CREATE_NO_MATCH, warnings)

    return await persistently(services, attempt, None)


async def update(
    services: Services, wanted: Criteria, resource: Resource, *, if_match: int | None = None
) -> Written:
    """Updates what meets the criteria, or makes it, under the body's id where that has one.

    InvalidRequest where the body's id is another than that of the match; Conflict where it belongs to
    a resource that doesn't meet the criteria.
    """
    require(services, wanted.type, "update")
    check_type(wanted.type, resource)
    warnings = tuple(services.intake.check(resource))

    async def attempt() -> Written:
        holder = await services.store.holder(wanted.key)
        found = await match(services, wanted, "UPDATE")
        what = f"{wanted.type}/{found.id}" if found else wanted.type
        check_precondition(services, what, head_of(found), if_match)
        if found is None:
            write = await _first(services, wanted.type, resource)
            await commit(services, await unit_of_work(services, [write], [_claim(wanted, write, holder)]))
            return Written(write.version, StorageResponse.UPDATE_NO_MATCH, warnings)
        check_same_id(found, resource)
        refuse_part(found, resource)
        if is_unchanged(found, {**resource, "id": found.id}):
            return Written(found, StorageResponse.UPDATE_MATCH_NO_CHANGE, warnings)
        write = plan_update(services, wanted.type, found.id, resource, head_of(found))
        await commit(services, await unit_of_work(services, [write]))
        return Written(write.version, StorageResponse.UPDATE_MATCH, warnings)

    return await persistently(services, attempt, if_match)


async def patch(
    services: Services, wanted: Criteria, change: patching.Change, *, if_match: int | None = None
) -> Written:
    """Patches what meets the criteria. NotFound where nothing does."""
    require(services, wanted.type, "patch")

    async def attempt() -> Written:
        found = await match(services, wanted, "PATCH")
        if found is None:
            raise NotFound(f"no {wanted.type} meets the criteria")
        return await patching.apply(services, found, change, if_match)

    return await persistently(services, attempt, if_match)


async def delete(
    services: Services, wanted: Criteria, base_url: str, *, if_match: int | None = None
) -> Sequence[Written]:
    """Deletes what meets the criteria: one resource at most, unless a setting allows several."""
    require(services, wanted.type, "delete")
    done: list[Written] = []

    async def attempt() -> Written:
        found = await matches(services, wanted)
        if not found:
            services.ways.check_absent(wanted.type)
        plans = [plan_delete(services, s.type, s.id, head_of(s), if_match) for s in found]
        writes = [write for write in plans if write is not None]
        await refuse_referred(services, writes, base_url)
        await commit(services, UnitOfWork(writes))
        done[:] = [Written(write.version, StorageResponse.DELETE) for write in writes]
        return done[0] if done else Written(None, StorageResponse.DELETE_NOT_FOUND)

    first = await persistently(services, attempt, if_match, "delete")
    return done or [first]


async def match(
    services: Services, wanted: Criteria, verb: str, *, gone: Collection[str] = ()
) -> Stored | None:
    """What meets the criteria, SeveralMatches where more than one does; `gone` are ids to pass over."""
    page = await services.store.search(Query(wanted.type, wanted.filter, 2 + len(gone)))
    found = [stored for stored in page.resources if stored.id not in gone]
    if len(found) > 1:
        number = "several" if gone else await services.store.count(wanted.type, wanted.filter)
        raise SeveralMatches(
            f"Failed to {verb} {wanted.type} by criteria because this search matched {number} resources"
        )
    return found[0] if found else None


async def matches(services: Services, wanted: Criteria) -> Sequence[Stored]:
    """What a conditional delete is to delete."""
    if not services.limits.delete_several:
        found = await match(services, wanted, "DELETE")
        return [found] if found else []
    most = services.limits.bundle_entries
    page = await services.store.search(Query(wanted.type, wanted.filter, most + 1))
    if len(page.resources) > most:
        raise TooCostly(f"the criteria are met by more than {most} resources, too many to delete at once")
    return page.resources


async def _first(services: Services, type: str, resource: Resource) -> Write:
    """What an update makes that found nothing to update."""
    id = resource.get("id")
    if id is None:
        return plan_update(services, type, services.new_id(), resource, None)
    head = (await services.store.heads(type, [id])).get(id)
    check_free(type, head)
    check_new_id(services, type, id, head)
    return plan_update(services, type, id, resource, head)


def check_free(type: str, head: Head | None) -> None:
    """Conflict where the id that the body of a conditional update wants is somebody else's."""
    if head is not None and not head.deleted:
        raise Conflict(
            "a resource with this id exists and does not meet the criteria", expression=f"{type}.id"
        )


def check_same_id(found: Stored, resource: Resource) -> None:
    if resource.get("id", found.id) != found.id:
        raise InvalidRequest(
            "the body has another id than the resource that meets the criteria",
            expression=f"{found.type}.id",
        )


def _claim(wanted: Criteria, write: Write, holder: str | None) -> Claim:
    return Claim(wanted.key, f"{write.version.type}/{write.version.id}", holder)
