"""$hapi.fhir.replace-references: whatever refers to one resource refers to another one."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from fhir_mpi.fhir.outcome import Conflict, InvalidValue, NotFound
from fhir_mpi.fhir.references import local_reference, spellings
from fhir_mpi.fhir.storage_response import StorageResponse, storage_outcome
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.jobs import Running
from fhir_mpi.interactions.referring import plan_repointing, referrers
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import unit_of_work
from fhir_mpi.interactions.writing import ATTEMPTS
from fhir_mpi.operations.call import Answer, Call
from fhir_mpi.operations.merging import refusing
from fhir_mpi.operations.merging.asked import DEFAULT_LIMIT
from fhir_mpi.operations.merging.later import REPLACE, Commit, call_of, defer, end
from fhir_mpi.operations.merging.refusing import TooManyReferences
from fhir_mpi.storage.port import ClaimConflict, LinkConflict, Write, WriteConflict

WHERE: Final = "Parameters.parameter.where(name='{}').value"


async def replace_references(services: Services, call: Call) -> Answer:
    """Parameters with `outcome`, a Bundle of what was done to each resource; or with `task`.

    InvalidValue for an id that is none, NotFound for a resource that isn't there, TooManyReferences beyond
    the limit where the answer is wanted at once.
    """
    source, target = [await _place(services, call, f"{role}-reference-id") for role in ("source", "target")]
    if source == target:
        raise InvalidValue("both are the same resource", expression=WHERE.format("target-reference-id"))
    if call.later:
        task, answer = await defer(services, REPLACE, call)
        return Answer(_parameters("task", task), answer.status, answer.headers)
    return await _replaced(services, call, source, target, Commit(services))


async def run_replacing(services: Services, running: Running) -> None:
    """The job of it."""
    call = call_of(running)
    source, target = [await _place(services, call, f"{role}-reference-id") for role in ("source", "target")]
    await end(running, await _replaced(services, call, source, target, Commit(services, running)))


async def _place(services: Services, call: Call, name: str) -> tuple[str, str]:
    place = local_reference(call.parameters[name], call.base_url)
    if place is None or place[0] not in services.definitions.types:
        raise InvalidValue(
            "a resource of this server is named, as in Patient/1", expression=WHERE.format(name)
        )
    head = (await services.store.heads(place[0], [place[1]])).get(place[1])
    if head is None or head.deleted:
        raise NotFound(f"{'/'.join(place)} is not known", expression=WHERE.format(name))
    return place


async def _replaced(
    services: Services, call: Call, source: tuple[str, str], target: tuple[str, str], commit: Commit
) -> Answer:
    for _ in range(ATTEMPTS):
        writes = await _planned(services, call, source, "/".join(target), commit)
        answer = Answer(_parameters("outcome", _bundle(writes)))
        try:
            await commit.commit(await unit_of_work(services, writes, merging=True), answer.resource)
        except (WriteConflict, ClaimConflict, LinkConflict):
            await asyncio.sleep(0)
        else:
            return answer
    raise Conflict("others keep changing these resources; try again")


async def _planned(
    services: Services, call: Call, source: tuple[str, str], target: str, commit: Commit
) -> Sequence[Write]:
    asked = call.parameters.get("resource-limit", DEFAULT_LIMIT)
    limit = min(asked, services.limits.bundle_entries) if commit.bounded else None
    found = await referrers(services, *source, call.base_url, but=target, most=limit)
    if limit is not None and len(found) > limit:
        raise TooManyReferences(refusing.TOO_MANY.format(source="/".join(source), limit=limit))
    await commit.progress(f"{len(found)} resources are to be changed")
    return await plan_repointing(services, found, spellings(*source, call.base_url), target)


def _bundle(writes: Sequence[Write]) -> Resource:
    """As HAPI FHIR tells what a patch of each did."""
    entries: list[Json] = []
    for version in (write.version for write in writes):
        place = f"{version.type}/{version.id}"
        outcome = storage_outcome(StorageResponse.PATCH, f"Successfully patched {place}")
        told: Any = {
            "status": "200 OK",
            "location": f"{place}/_history/{version.version}",
            "outcome": outcome,
        }
        entries.append({"response": {**told, "etag": f'W/"{version.version}"'}})
    found: Resource = {"resourceType": "Bundle", "type": "transaction-response"}
    return {**found, "entry": entries} if entries else found


def _parameters(name: str, resource: Resource) -> Resource:
    return {"resourceType": "Parameters", "parameter": [{"name": name, "resource": resource}]}
