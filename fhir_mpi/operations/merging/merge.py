"""$merge: two records of one person or thing become one (R5 patient-operation-merge.html, HAPI FHIR).

Parameters, the two records, their suitability, the result that is wanted, the number of resources: each
stage is looked at when the one before has nothing to say. Everything is then written in one transaction,
each resource on top of the version that was looked at.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.meta import OWN
from fhir_mpi.fhir.outcome import Conflict, FhirError, Issue, Unavailable, operation_outcome
from fhir_mpi.fhir.references import spellings
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.heads import head_of
from fhir_mpi.interactions.jobs import Running
from fhir_mpi.interactions.referring import plan_repointing, referrers
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import unit_of_work
from fhir_mpi.interactions.writing import ATTEMPTS, plan_delete, plan_update
from fhir_mpi.mdm.merging import retired, survivor
from fhir_mpi.operations.call import Answer, Call
from fhir_mpi.operations.merging import refusing
from fhir_mpi.operations.merging.asked import Asked, asked, input_parameters, reference_of, resolved
from fhir_mpi.operations.merging.later import ACCEPTED, MERGE, Commit, call_of, defer, end
from fhir_mpi.operations.merging.recording import plan_record, require_provenance
from fhir_mpi.operations.merging.refusing import Refused, refuse
from fhir_mpi.operations.merging.suiting import check_result, check_suitable
from fhir_mpi.storage.port import ClaimConflict, LinkConflict, Stored, UnitOfWork, Write, WriteConflict

PATIENT: Final = "Patient-merge"
ANY: Final = "Resource-hapi-fhir-merge"
NOUNS: Final = {PATIENT: "patient", ANY: "resource"}
"""How each operation calls what it merges, in the names of its parameters."""
RETRY_SECONDS: Final = "2"
COMPLETED: Final = "Merge operation completed successfully."


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a merge writes, and the survivor among it."""

    work: UnitOfWork
    survivor: Stored


async def merge(services: Services, call: Call) -> Answer:
    """Patient/$merge."""
    return await _answered(services, call, PATIENT, Commit(services))


async def merge_any(services: Services, call: Call) -> Answer:
    """[type]/$hapi.fhir.merge."""
    return await _answered(services, call, ANY, Commit(services))


async def run_merge(services: Services, running: Running) -> None:
    """The job of a merge that is answered later."""
    operation = running.parameters["operation"]
    await end(running, await _answered(services, call_of(running), operation, Commit(services, running)))


async def _answered(services: Services, call: Call, operation: str, commit: Commit) -> Answer:
    """Parameters in every case: what was given, what came of it, and the result."""
    given = input_parameters(services.definitions.operations[operation], call.parameters)
    try:
        require_provenance(services)
        wanted = asked(services, call, NOUNS[operation])
        if wanted.preview:
            return await _previewed(services, wanted, given)
        if call.later:
            await _both(services, wanted)
            return await _deferred(services, call, operation, given)
        return await _committed(services, wanted, given, commit)
    except Refused as refused:
        return _answer(given, operation_outcome(refused.issues), status=refused.status)
    except FhirError as error:
        headers = {"retry-after": RETRY_SECONDS} if isinstance(error, Unavailable) else {}
        return _answer(given, operation_outcome(error.issues), status=error.http_status, headers=headers)


async def _deferred(services: Services, call: Call, operation: str, given: Resource) -> Answer:
    task, answer = await defer(services, MERGE, call, operation=operation)
    return _answer(given, information(ACCEPTED), task=task, status=answer.status, headers=answer.headers)


def _answer(
    given: Resource,
    outcome: Resource,
    *,
    result: Resource | None = None,
    task: Resource | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    said = {"input": given, "outcome": outcome, "result": result, "task": task}
    parts = [{"name": name, "resource": resource} for name, resource in said.items() if resource is not None]
    return Answer({"resourceType": "Parameters", "parameter": parts}, status, headers or {})


def information(text: str, diagnostics: str | None = None) -> Resource:
    """The OperationOutcome of what went well."""
    more: Json = {} if diagnostics is None else {"diagnostics": diagnostics}
    said = {"severity": "information", "code": "informational", "details": {"text": text}, **more}
    return {"resourceType": "OperationOutcome", "issue": [said]}


async def _previewed(services: Services, wanted: Asked, given: Resource) -> Answer:
    source, target = await _both(services, wanted)
    found = await referrers(services, source.type, source.id, wanted.base_url, but=reference_of(target))
    result = await _survivor(services, wanted, source, target)
    outcome = information(services.ways.merge_preview_text, f"Merge would update {len(found) + 2} resources")
    return _answer(given, outcome, result=_unstored(result))


def _unstored(resource: Resource) -> Resource:
    """Without what only a stored version has."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in OWN}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    return {**rest, "meta": meta} if meta else rest


async def _committed(services: Services, wanted: Asked, given: Resource, commit: Commit) -> Answer:
    """Tries again where somebody else was first. What no longer suits then is a Conflict."""
    for attempt in range(ATTEMPTS):
        try:
            plan = await _planned(services, wanted, given, commit)
            answer = _answer(given, information(COMPLETED), result=decode(plan.survivor.json))
            await commit.commit(plan.work, answer.resource)
        except Refused as refused:
            if attempt:
                raise Refused(409, [Issue("conflict", issue.text) for issue in refused.issues]) from refused
            raise
        except (WriteConflict, ClaimConflict, LinkConflict):
            await asyncio.sleep(0)
        else:
            return answer
    raise Conflict("others keep changing these resources; try again")


async def _planned(services: Services, wanted: Asked, given: Resource, commit: Commit) -> Plan:
    """What the merge writes, as things are now; Refused where it can't be."""
    began = services.clock()
    source, target = await _both(services, wanted)
    limit = wanted.limit if commit.bounded else None
    found = await referrers(
        services, source.type, source.id, wanted.base_url, but=reference_of(target), most=limit
    )
    if limit is not None and len(found) > limit:
        text = refusing.TOO_MANY.format(source=reference_of(source), limit=limit)
        raise refuse(412, "exception", text)
    await commit.progress(f"{len(found) + 2} resources are to be changed")
    result = await _survivor(services, wanted, source, target)
    first = plan_update(services, target.type, target.id, result, head_of(target))
    second = _retirement(services, wanted, source, target)
    old = spellings(source.type, source.id, wanted.base_url)
    others = await plan_repointing(services, found, old, reference_of(target))
    writes = [first, second, *others]
    outcome = information(COMPLETED)
    record = plan_record(services, "merge", writes, began=began, given=given, outcome=outcome)
    return Plan(await unit_of_work(services, [*writes, record], merging=True), first.version)


async def _both(services: Services, wanted: Asked) -> tuple[Stored, Stored]:
    """Source and target, which can be merged into the result that is wanted."""
    source = await resolved(services, wanted, wanted.source)
    target = await resolved(services, wanted, wanted.target)
    check_suitable(wanted, source, target)
    check_result(wanted, source, target)
    return source, target


async def _survivor(services: Services, wanted: Asked, source: Stored, target: Stored) -> Resource:
    """What the target becomes, valid as every update is."""
    old = spellings(source.type, source.id, wanted.base_url)
    stays = not wanted.delete_source
    found = wanted.result or survivor(decode(target.json), decode(source.json), old, stays=stays)
    services.intake.check(found)
    return found


def _retirement(services: Services, wanted: Asked, source: Stored, target: Stored) -> Write:
    if wanted.delete_source:
        write = plan_delete(services, source.type, source.id, head_of(source), None)
        if write is None:
            raise AssertionError("the source was read, and was not deleted")
        return write
    found: Any = retired(decode(source.json), reference_of(target))
    return plan_update(services, source.type, source.id, found, head_of(source))
