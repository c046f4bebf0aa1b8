"""Create, update, delete: first a plan (one Write), then the commit.

A transaction Bundle uses the same plans and commits them together.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.meta import same_content
from fhir_mpi.fhir.outcome import (
    Conflict,
    InvalidRequest,
    Issue,
    MethodNotAllowed,
    NotFound,
    PreconditionRequired,
    Unprocessable,
)
from fhir_mpi.fhir.storage_response import StorageResponse
from fhir_mpi.fhir.subset import is_part
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions import published
from fhir_mpi.interactions.committing import commit
from fhir_mpi.interactions.heads import after, head_of
from fhir_mpi.interactions.intake import deletion
from fhir_mpi.interactions.integrity import refuse_referred
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import unit_of_work
from fhir_mpi.storage.port import ClaimConflict, Head, Stored, UnitOfWork, Write, WriteConflict

NOT_LOST: Final = frozenset({"id", "meta", "text"})
ATTEMPTS: Final = 10
"""How often an update that names no version follows a record that others keep changing."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did, and the version it left behind: None where nothing was to delete."""

    version: Stored | None
    did: StorageResponse
    warnings: tuple[Issue, ...] = ()


async def create(services: Services, type: str, resource: Resource) -> Written:
    """POST [base]/[type]: the server gives the id; one in the body is ignored (R5 http.html#create)."""
    write, warnings = plan_create(services, type, resource, services.new_id())

    async def attempt() -> Written:
        await commit(services, await unit_of_work(services, [write]))
        return Written(write.version, StorageResponse.CREATE, warnings)

    return await persistently(services, attempt, None)


async def update(
    services: Services,
    type: str,
    id: str,
    resource: Resource,
    *,
    if_match: int | None = None,
) -> Written:
    """PUT [base]/[type]/[id], which also creates and restores (R5 http.html#update).

    With `if_match`, VersionConflict where that is not the current version; without it, the write
    goes on top of whatever is current. What changes nothing makes no version.
    """
    require(services, type, "update")
    check_identity(type, id, resource)
    warnings = tuple(services.intake.check(resource))

    async def attempt() -> Written:
        current = await services.store.read(type, id)
        head = head_of(current)
        check_precondition(services, f"{type}/{id}", head, if_match)
        refuse_part(current, resource)
        if is_unchanged(current, resource):
            return Written(current, StorageResponse.UPDATE_NO_CHANGE, warnings)
        check_new_id(services, type, id, head)
        write = plan_update(services, type, id, resource, head)
        await commit(services, await unit_of_work(services, [write]))
        return Written(write.version, updating(head), warnings)

    return await persistently(services, attempt, if_match)


async def delete(
    services: Services, type: str, id: str, base_url: str, *, if_match: int | None = None
) -> Written:
    """DELETE [base]/[type]/[id]; deleting what isn't there succeeds (R5 http.html#delete)."""
    require(services, type, "delete")

    async def attempt() -> Written:
        head = (await services.store.heads(type, [id])).get(id)
        write = plan_delete(services, type, id, head, if_match)
        if write is None:
            return Written(None, deleting(head))
        await refuse_referred(services, [write], base_url)
        await commit(services, UnitOfWork([write]))
        return Written(write.version, StorageResponse.DELETE)

    return await persistently(services, attempt, if_match, "delete")


def plan_create(
    services: Services, type: str, resource: Resource, id: str
) -> tuple[Write, tuple[Issue, ...]]:
    require(services, type, "create")
    check_type(type, resource)
    warnings = tuple(services.intake.check(resource))
    write = services.intake.write(resource, id=id, expected=0, now=services.clock(), method="POST")
    return write, warnings


def plan_update(
    services: Services, type: str, id: str, resource: Resource, head: Head | None, *, method: str = "PUT"
) -> Write:
    """The next version on top of `head`; the resource was checked."""
    require(services, type, "update")
    expected = head.version if head else 0
    return services.intake.write(
        resource, id=id, expected=expected, now=after(services.clock(), head), method=method
    )


def plan_delete(
    services: Services, type: str, id: str, head: Head | None, if_match: int | None
) -> Write | None:
    """The deletion, or None where nothing is to delete. NotFound where a setting wants that said."""
    if head is None:
        services.ways.check_absent(type)
    if head is None or head.deleted:
        return None
    _check_version(services, f"delete {type}/{id}", head, if_match)
    return deletion(type, id, expected=head.version, now=after(services.clock(), head))


def is_unchanged(current: Stored | None, resource: Resource) -> bool:
    """Whether this update would say what the current version says; a deletion says nothing."""
    return current is not None and not current.deleted and same_content(decode(current.json), resource)


def refuse_part(current: Stored | None, resource: Resource) -> None:
    """A body that is tagged as a part of a resource must not take away what the current version has."""
    if current is None or current.deleted or not is_part(resource):
        return
    if lost := current.resource.keys() - resource.keys() - NOT_LOST:
        raise Unprocessable(
            f"a part of a resource, as its tag SUBSETTED says: {', '.join(sorted(lost))} would be lost",
            expression=f"{current.type}.meta.tag",
        )


def updating(head: Head | None) -> StorageResponse:
    """What an update on top of `head` is."""
    created = head is None or head.deleted
    return StorageResponse.UPDATE_AS_CREATE if created else StorageResponse.UPDATE


def deleting(head: Head | None) -> StorageResponse:
    """What a deletion of what `head` says is."""
    if head is None:
        return StorageResponse.DELETE_NOT_FOUND
    return StorageResponse.DELETE_ALREADY_DELETED if head.deleted else StorageResponse.DELETE


def require(services: Services, type: str, interaction: str) -> None:
    """NotFound for a type that isn't served, MethodNotAllowed for an interaction that isn't."""
    if type in published.TYPES:
        raise published.refusal(type)
    served = services.definitions.interactions.get(type)
    if served is None:
        known = ", ".join(services.definitions.types)
        raise NotFound(f"this server has no such resource type; it serves {known}")
    if interaction not in served:
        raise MethodNotAllowed(f"this server does not offer {interaction} on {type}")


def check_new_id(services: Services, type: str, id: str, head: Head | None) -> None:
    """Refuses an id that a client gives to a new resource, where a setting does."""
    if head is None:
        services.ways.check_client_id(type, id)


def check_precondition(services: Services, what: str, head: Head | None, if_match: int | None) -> None:
    """The error of another version than `what`, the resource, has now where `if_match` names that;
    PreconditionRequired where it names none, and a setting wants one for what exists.
    """
    if if_match is None and services.limits.if_match_required and head is not None and not head.deleted:
        raise PreconditionRequired("this server wants If-Match with the version that is updated")
    _check_version(services, f"update {what}", head, if_match)


def _check_version(services: Services, aim: str, head: Head | None, if_match: int | None) -> None:
    current = head.version if head else 0
    if if_match is not None and current != if_match:
        raise services.ways.stale(aim, if_match, current)


async def persistently(
    services: Services, attempt: Callable[[], Awaitable[Written]], if_match: int | None, verb: str = "update"
) -> Written:
    """Tries again where somebody else was first, unless the client named the version it means; `verb` is
    what it then couldn't do with that.
    """
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except ClaimConflict:
            continue
        except WriteConflict as conflict:
            if if_match is not None:
                aim = f"{verb} {conflict.type}/{conflict.id}"
                raise services.ways.stale(aim, if_match, conflict.found) from conflict
    raise Conflict("others keep changing this resource; try again")


def check_identity(type: str, id: str, resource: Resource) -> None:
    """An update's body must carry the id of its URL (R5 http.html#update)."""
    check_type(type, resource)
    given = resource.get("id")
    if given is None:
        raise InvalidRequest(
            "Can not update resource, resource body must contain an ID element for update (PUT) operation",
            expression=f"{type}.id",
        )
    if given != id:
        raise InvalidRequest(
            "Can not update resource, resource body must contain an ID element which matches the request URL"
            " for update (PUT) operation",
            expression=f"{type}.id",
        )


def check_type(type: str, resource: Resource) -> None:
    given = resource.get("resourceType")
    if given != type:
        what = "no resourceType" if given is None else "another resourceType"
        raise InvalidRequest(
            f"the body has {what}; {type} is expected here", expression=f"{type}.resourceType"
        )
