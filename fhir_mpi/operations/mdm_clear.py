"""$mdm-clear: forgets what is linked, so that rules and models can be tried from the beginning."""

import asyncio
from collections.abc import Sequence
from typing import Final

from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.interactions.arriving import linked
from fhir_mpi.interactions.committing import CONFLICTS
from fhir_mpi.interactions.jobs import Result, Running, accept, planned
from fhir_mpi.interactions.scene import Scene
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.waiting import PAUSE
from fhir_mpi.mdm.tags import MANAGED
from fhir_mpi.operations.call import Answer, Call, accepted
from fhir_mpi.operations.mdm_parameters import where
from fhir_mpi.search.filters import Equals, Query
from fhir_mpi.storage.port import Stored

CLEAR: Final = "mdm-clear"
USUAL: Final = 100
MOST: Final = 1000
"""Golden records that end in one transaction."""
MANAGED_BY_MDM: Final = Equals("_tag", f"{MANAGED['system']}|{MANAGED['code']}")


async def clear(services: Services, call: Call) -> Answer:
    """Accepts the job that does it. InvalidValue where a type isn't linked here, or the size is of no use."""
    types = call.parameters.get("resourceType") or list(services.mdm.linked_types)
    for type in types:
        if type not in services.mdm.linked_types:
            raise InvalidValue(
                f"HAPI-1500: $mdm-clear does not support resource type: {type:.64}",
                expression=where("resourceType"),
            )
    size = call.parameters.get("batchSize", USUAL)
    if not 1 <= size <= MOST or size != int(size):
        raise InvalidValue(f"batchSize is 1 to {MOST}", expression=where("batchSize"))
    job = planned(services, CLEAR, {"types": list(dict.fromkeys(types)), "size": int(size)})
    await accept(services, job)
    return accepted(call.base_url, job.id)


async def run_clear(services: Services, running: Running) -> None:
    """Ends golden records with all of their links, a transaction at a time, until there are none.

    What is done is no longer found, so that whoever takes the job over goes on by looking again.
    """
    given = running.parameters
    done = (running.checkpoint or {"cleared": 0})["cleared"]
    for type in given["types"]:
        query = Query(type, MANAGED_BY_MDM, given["size"])
        while goldens := (await services.store.search(query)).resources:
            if await _cleared(services, running, goldens, done):
                done += len(goldens)
            else:
                await asyncio.sleep(PAUSE)  # others are at the same records
    answer = answer_parameters(("cleared", "decimal", done))
    await running.finish(Result(200, answer))


async def _cleared(services: Services, running: Running, goldens: Sequence[Stored], before: int) -> bool:
    """Whether these were ended, and nobody was at them meanwhile."""
    ids = [golden.id for golden in goldens]

    def forget(scene: Scene) -> None:
        for id in ids:
            for link in (*scene.ledger.on_golden(id), *scene.ledger.of_source(id)):
                scene.ledger.remove(link)
            scene.touched.add(id)

    done = before + len(ids)
    try:
        work = await linked(services, goldens[0].type, (), goldens=ids, change=forget)
        progress, checkpoint = f"{done} golden records ended", {"cleared": done}
        await running.commit(work, progress=progress, checkpoint=checkpoint, linked=True)
    except CONFLICTS:
        return False
    return True
