"""$hapi.fhir.undo-merge: everything that a merge changed is as it was before, as new versions.

Any merge can be undone, as long as what it changed is still as the merge left it. Other changes that were
made since stay: a survivor that replaced somebody else later still does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fhir_mpi.fhir.operation_definition import inputs
from fhir_mpi.fhir.outcome import Conflict, FhirError, Issue, operation_outcome
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.jobs import Running
from fhir_mpi.interactions.referring import PROVENANCE
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import unit_of_work
from fhir_mpi.interactions.writing import ATTEMPTS
from fhir_mpi.operations.call import Answer, Call
from fhir_mpi.operations.merging.asked import Asked, asked, input_parameters, known_place
from fhir_mpi.operations.merging.later import ACCEPTED, UNDO, Commit, call_of, defer, end
from fhir_mpi.operations.merging.merge import information
from fhir_mpi.operations.merging.past import Merge, Obstacle, last_merge, plan_restoring
from fhir_mpi.operations.merging.recording import plan_record, require_provenance
from fhir_mpi.operations.merging.refusing import Refused, refuse
from fhir_mpi.storage.port import ClaimConflict, LinkConflict, Write, WriteConflict

ID: Final = "Resource-hapi-fhir-undo-merge"
NO_MERGE: Final = (
    "HAPI-2747: Unable to find a Provenance created by a $merge operation for the provided source and target"
    " resources. Ensure that the provided resource references or identifiers were previously used as"
    " parameters in a successful $merge operation"
)
TOO_MANY: Final = "HAPI-2748: Number of references to update ({number}) exceeds the limit ({limit})"
RESTORED: Final = (
    "Successfully restored {number} resources to their previous versions based on the Provenance resource:"
    " Provenance/{id}"
)
PREVIEW: Final = "Preview only undo-merge operation - no issues detected"
TOLD: Final = 100
"""Resources that a preview names one by one."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing a merge writes, and what it can't."""

    merge: Merge
    writes: Sequence[Write]
    obstacles: Sequence[Obstacle]


async def undo_merge(services: Services, call: Call) -> Answer:
    """Parameters with the outcome, in every case."""
    return await _answered(services, call, Commit(services))


async def run_undo(services: Services, running: Running) -> None:
    """The job of an undoing that is answered later."""
    await end(running, await _answered(services, call_of(running), Commit(services, running)))


async def _answered(services: Services, call: Call, commit: Commit) -> Answer:
    given = input_parameters(services.definitions.operations[ID], call.parameters)
    try:
        require_provenance(services)
        wanted = asked(services, _named(services, call), _noun(call))
        if call.later and not call.parameters.get("preview", False):
            await _merge(services, wanted)
            task, answer = await defer(services, UNDO, call)
            return _answer(information(ACCEPTED), answer.status, task=task, headers=answer.headers)
        return _answer(await _undone(services, call, wanted, given, commit))
    except Refused as refused:
        return _answer(operation_outcome(refused.issues), refused.status)
    except FhirError as error:
        return _answer(operation_outcome(error.issues), error.http_status)


def _answer(
    outcome: Resource,
    status: int = 200,
    *,
    task: Resource | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    said = {"outcome": outcome, "task": task}
    parts = [{"name": name, "resource": resource} for name, resource in said.items() if resource is not None]
    return Answer({"resourceType": "Parameters", "parameter": parts}, status, headers or {})


async def _undone(services: Services, call: Call, wanted: Asked, given: Resource, commit: Commit) -> Resource:
    """Tries again where somebody else was first; the OperationOutcome of what was done."""
    partial, preview = call.parameters.get("partial", False), call.parameters.get("preview", False)
    for _ in range(ATTEMPTS):
        found = await _planned(services, wanted, commit)
        if found.obstacles and not partial:
            raise Refused(found.obstacles[0].status, _told(found.obstacles, "error"))
        if preview:
            return _preview(found)
        try:
            return await _commit(services, found, given, commit)
        except (WriteConflict, ClaimConflict, LinkConflict):
            await asyncio.sleep(0)
    raise Conflict("others keep changing these resources; try again")


def _noun(call: Call) -> str:
    """How the parameters are named: those of any type, or a Patient's own."""
    named = any("-resource" in name for name in call.parameters)
    return "resource" if named or call.type != "Patient" else "patient"


def _named(services: Services, call: Call) -> Call:
    """With the parameters alone that say which merge it was."""
    known = {spec["name"] for spec in inputs(services.definitions.operations[ID])} - {"preview", "partial"}
    return replace(call, parameters={k: v for k, v in call.parameters.items() if k in known})


async def _merge(services: Services, wanted: Asked) -> Merge:
    source = await known_place(services, wanted, wanted.source)
    target = await known_place(services, wanted, wanted.target)
    merge = await last_merge(services, source, target)
    if merge is None:
        raise refuse(404, "not-found", NO_MERGE)
    return merge


async def _planned(services: Services, wanted: Asked, commit: Commit) -> Undoing:
    merge = await _merge(services, wanted)
    number, limit = len(merge.made) - 2, services.limits.bundle_entries
    if commit.bounded and number > limit:
        raise refuse(400, "exception", TOO_MANY.format(number=number, limit=limit))
    await commit.progress(f"{len(merge.made)} resources are to be restored")
    writes, obstacles = await plan_restoring(services, merge.made)
    return Undoing(merge, writes, obstacles)


async def _commit(services: Services, found: Undoing, given: Resource, commit: Commit) -> Resource:
    text = RESTORED.format(number=len(found.writes), id=found.merge.id)
    outcome = information(text, text)
    outcome["issue"] += operation_outcome(_told(found.obstacles, "warning"))["issue"]
    if found.writes:
        record = plan_record(
            services,
            "unmerge",
            found.writes,
            began=services.clock(),
            given=given,
            outcome=outcome,
            of=f"{PROVENANCE}/{found.merge.id}",
        )
        work = await unit_of_work(services, [*found.writes, record], merging=True)
        await commit.commit(work, _answer(outcome).resource)
    return outcome


def _told(obstacles: Sequence[Obstacle], severity: str) -> list[Issue]:
    return [Issue(each.code, each.text, severity=severity) for each in obstacles]


def _preview(found: Undoing) -> Resource:
    """What would be restored, and what not."""
    outcome = information(PREVIEW, f"Undo would restore {len(found.writes)} resources")
    told = [
        Issue(
            "informational",
            f"{write.version.type}/{write.version.id} would become version {write.version.version}",
            severity="information",
        )
        for write in found.writes[:TOLD]
    ]
    outcome["issue"] += operation_outcome([*told, *_told(found.obstacles, "warning")])["issue"]
    return outcome
