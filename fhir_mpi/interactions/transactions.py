"""A transaction: every write planned first, then all of them in one commit (R5 http.html#trules)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fhir_mpi.fhir.outcome import Conflict, InvalidRequest
from fhir_mpi.fhir.storage_response import StorageResponse
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.committing import ForbiddenByMdm, commit
from fhir_mpi.interactions.integrity import StillReferred, refuse_referred
from fhir_mpi.interactions.linking import linked
from fhir_mpi.interactions.patching import plan_patched
from fhir_mpi.interactions.placing import Change, Place, at_entry, placed
from fhir_mpi.interactions.retirement import Replaced
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import IdentifierTaken, unit_of_work
from fhir_mpi.interactions.writing import (
    ATTEMPTS,
    Written,
    check_identity,
    check_new_id,
    check_precondition,
    check_type,
    deleting,
    is_unchanged,
    plan_create,
    plan_delete,
    plan_update,
    refuse_part,
    updating,
)
from fhir_mpi.search.unstored import Unstored
from fhir_mpi.storage.port import ClaimConflict, Write, WriteConflict


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a place: nothing is written where there is nothing to change."""

    place: Place
    write: Write | None
    written: Written


async def transact(
    services: Services, changes: Sequence[Change], base_url: str
) -> Mapping[int, Sequence[Written]]:
    """Does all changes, of types that offer them, or none; answers what each left behind, by its number:
    several versions only for a deletion by criteria that takes several.

    Raises the error of the first entry that can't be done, with its place in the Bundle. Where others
    come before, all of it is tried again, on top of what they did; an entry with `if_match` then fails.
    """
    _refuse_namesakes(changes)
    for _ in range(ATTEMPTS):
        try:
            return await _attempt(services, changes, base_url)
        except (WriteConflict, ClaimConflict):
            await asyncio.sleep(0)
    raise Conflict("others keep changing these resources; try again")


async def _attempt(
    services: Services, changes: Sequence[Change], base_url: str
) -> Mapping[int, Sequence[Written]]:
    places = await placed(services, changes)
    contents = await linked(services, places, base_url)
    plans: list[Plan] = []
    for place in places:
        with at_entry(place.change.number):
            plans.append(_plan(services, place, contents.get(place.change.number, {})))
        await asyncio.sleep(0)  # ten thousand plans take seconds: other requests come between
    await _refuse_twins(services, plans)
    await _commit(services, plans, base_url)
    done: dict[int, list[Written]] = {}
    for plan in plans:
        done.setdefault(plan.place.change.number, []).append(plan.written)
    return done


async def _commit(services: Services, plans: Sequence[Plan], base_url: str) -> None:
    writes = [plan.write for plan in plans if plan.write]
    claims = [plan.place.claim for plan in plans if plan.place.claim]
    try:
        await refuse_referred(services, writes, base_url)
        await commit(services, await unit_of_work(services, writes, claims))
    except (IdentifierTaken, StillReferred, Replaced, ForbiddenByMdm) as refused:
        number = next(plan.place.change.number for plan in plans if plan.place.key in refused.places)
        with at_entry(number):
            raise


def _plan(services: Services, place: Place, resource: Resource) -> Plan:
    change, head = place.change, place.head
    if change.method == "DELETE":
        write = plan_delete(services, change.type, place.id or "", head, change.if_match)
        return Plan(place, write, Written(write.version if write else None, deleting(head)))
    if change.method == "POST":
        return _creation(services, place, resource)
    if change.method == "PATCH":
        return _patch(services, place, resource)
    return _update(services, place, resource)


def _creation(services: Services, place: Place, resource: Resource) -> Plan:
    if place.met:
        check_type(place.change.type, place.change.resource or {})
        services.intake.check(place.change.resource or {})
        return Plan(place, None, Written(place.current, StorageResponse.CREATE_MATCH))
    write, warnings = plan_create(services, place.change.type, resource, place.id or "")
    did = StorageResponse.CREATE_NO_MATCH if place.claim else StorageResponse.CREATE
    return Plan(place, write, Written(write.version, did, warnings))


def _patch(services: Services, place: Place, patched: Resource) -> Plan:
    if place.current is None:
        raise AssertionError("a patch was applied to what is there")
    write = plan_patched(services, place.current, patched)
    if write is None:
        return Plan(place, None, Written(place.current, StorageResponse.PATCH_NO_CHANGE))
    return Plan(place, write, Written(write.version, StorageResponse.PATCH))


def _update(services: Services, place: Place, resource: Resource) -> Plan:
    change, head, current, id = place.change, place.head, place.current, place.id or ""
    by_criteria = change.criteria is not None
    if by_criteria:
        check_type(change.type, resource)
        resource = {**resource, "id": resource.get("id", id)}
    check_identity(change.type, id, resource)
    check_precondition(services, f"{change.type}/{id}", head, change.if_match)
    warnings = tuple(services.intake.check(resource))
    refuse_part(current, resource)
    if is_unchanged(current, resource):
        did = StorageResponse.UPDATE_MATCH_NO_CHANGE if by_criteria else StorageResponse.UPDATE_NO_CHANGE
        return Plan(place, None, Written(current, did, warnings))
    if change.id or "id" in (change.resource or {}):
        check_new_id(services, change.type, id, head)
    write = plan_update(services, change.type, id, resource, head)
    return Plan(place, write, Written(write.version, _updating(place), warnings))


def _updating(place: Place) -> StorageResponse:
    if place.change.criteria is None:
        return updating(place.head)
    return StorageResponse.UPDATE_NO_MATCH if place.claim else StorageResponse.UPDATE_MATCH


def _refuse_namesakes(changes: Iterable[Change]) -> None:
    urls: set[str] = set()
    for change in changes:
        if change.full_url in urls:
            raise InvalidRequest(
                "another entry has this fullUrl", expression=f"Bundle.entry[{change.number}].fullUrl"
            )
        urls.add(change.full_url or "")


async def _refuse_twins(services: Services, plans: Sequence[Plan]) -> None:
    """InvalidRequest where an entry makes what its criteria did not find, and another entry writes
    something that meets them: which of the two came first would depend on their order.
    """
    makers = [plan.place for plan in plans if plan.place.claim]
    coming = {type: _coming(services, type, plans) for type in {place.change.type for place in makers}}
    for place in makers:
        if place.change.criteria and coming[place.change.type].found(place.change.criteria.filter) - {
            place.id
        }:
            raise InvalidRequest(
                "another entry writes a resource that meets these criteria too",
                expression=f"Bundle.entry[{place.change.number}]",
            )
        await asyncio.sleep(0)


def _coming(services: Services, type: str, plans: Iterable[Plan]) -> Unstored:
    writes = [plan.write for plan in plans if plan.write and plan.place.change.type == type]
    entries = {write.version.id: write.index for write in writes if not write.version.deleted}
    return Unstored(entries, now_ms=services.clock().timestamp() * 1000)
