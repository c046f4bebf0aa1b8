"""$split: a record that holds two people becomes two, and who refers to it may go with the new one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import Conflict, InvalidRequest, InvalidValue, Unprocessable
from fhir_mpi.fhir.references import spellings
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.committing import commit
from fhir_mpi.interactions.heads import head_of
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.referring import plan_repointing, referrers
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.uniqueness import unit_of_work
from fhir_mpi.interactions.writing import ATTEMPTS, check_identity, check_type, plan_create, plan_update
from fhir_mpi.mdm.merging import is_retired
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.merging.asked import input_parameters
from fhir_mpi.operations.merging.merge import information
from fhir_mpi.operations.merging.recording import plan_record, require_provenance
from fhir_mpi.storage.port import ClaimConflict, LinkConflict, Stored, Write, WriteConflict

ID: Final = "Resource-split"
COMPLETED: Final = "Split operation completed successfully."
PREVIEW: Final = "Preview only split operation - no issues detected"
WHERE: Final = "Parameters.parameter.where(name='{}')"


@dataclass(frozen=True, slots=True)
class Parts:
    """The two records that come of one, as they are asked for; `moved` names who goes with the new one."""

    type: str
    id: str
    new_id: str
    stays: Resource
    new: Resource
    moved: Sequence[str]
    base_url: str


async def split(services: Services, call: Call) -> Resource:
    """Parameters with the outcome and both records.

    NotFound or Gone for a record that isn't there, Unprocessable for one that was replaced, InvalidRequest,
    InvalidValue or InvalidResource for parts that can't be stored, Conflict where the record has changed.
    """
    require_provenance(services)
    parts = _parts(services, call)
    given = input_parameters(services.definitions.operations[ID], call.parameters)
    preview = call.parameters.get("preview", False)
    for _ in range(ATTEMPTS):
        began, writes = services.clock(), await _planned(services, parts)
        if preview:
            outcome = information(PREVIEW, f"Split would update {len(writes)} resources")
            return _answer(outcome, parts.stays, parts.new)
        outcome = information(COMPLETED)
        record = plan_record(services, "unmerge", writes, began=began, given=given, outcome=outcome)
        try:
            await commit(services, await unit_of_work(services, [*writes, record], merging=True))
        except (WriteConflict, ClaimConflict, LinkConflict):
            await asyncio.sleep(0)
        else:
            return _answer(outcome, *(decode(write.version.json) for write in writes[:2]))
    raise Conflict("others keep changing these resources; try again")


def _parts(services: Services, call: Call) -> Parts:
    type, id = call.type or "", call.id or ""
    stays, new = call.parameters["stays"], call.parameters["new"]
    check_identity(type, id, stays)
    check_type(type, new)
    if new.get("id") == id:
        raise InvalidRequest("the new record has an id of its own", expression=WHERE.format("new"))
    services.intake.check(stays)
    moved = call.parameters.get("reference", ())
    return Parts(type, id, services.new_id(), stays, new, moved, call.base_url)


async def _planned(services: Services, parts: Parts) -> Sequence[Write]:
    """What stays, what is new, then who is moved."""
    current = await read(services, parts.type, parts.id)
    if is_retired(current.resource):
        raise Unprocessable("a record that was replaced is not split: undo the merge", expression=parts.type)
    seen = parts.stays.get("meta", {}).get("versionId", str(current.version))
    if seen != str(current.version):
        raise Conflict(
            f"the record was split as version {seen}, version {current.version} is current",
            expression=f"{WHERE.format('stays')}.resource.meta.versionId",
        )
    first = plan_update(services, parts.type, parts.id, parts.stays, head_of(current))
    second, _ = plan_create(services, parts.type, parts.new, parts.new_id)
    old = spellings(parts.type, parts.id, parts.base_url)
    moved = await plan_repointing(
        services, await _moved(services, parts), old, f"{parts.type}/{parts.new_id}"
    )
    return [first, second, *moved]


async def _moved(services: Services, parts: Parts) -> Sequence[Stored]:
    """Those that are to refer to the new record; InvalidValue where one doesn't refer to the old."""
    if not parts.moved:
        return ()
    found = await referrers(services, parts.type, parts.id, parts.base_url, but="")
    known = {f"{stored.type}/{stored.id}": stored for stored in found}
    if strangers := [place for place in parts.moved if place not in known]:
        text = f"{strangers[0]:.80} does not refer to this record"
        raise InvalidValue(text, expression=f"{WHERE.format('reference')}.value")
    return [known[place] for place in dict.fromkeys(parts.moved)]


def _answer(outcome: Resource, stays: Resource, new: Resource) -> Resource:
    return answer_parameters(
        ("outcome", "OperationOutcome", outcome), ("stays", "Resource", stays), ("new", "Resource", new)
    )
