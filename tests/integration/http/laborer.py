"""Another process that works on jobs: `python -m tests.integration.http.laborer STORE LEASE`.

Its one kind of job makes patients, one a commit, says after each how many there are, and goes on when it
is told to by a line: it can be killed between two commits, and leaves no transaction open. What lies open
when its process is killed is the database's to end, which takes time.
"""

import asyncio
import sys

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.interactions.jobs import JobKind, Result, Running
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations.worker import Worker
from fhir_mpi.settings import Settings
from fhir_mpi.storage.port import UnitOfWork


async def make(services: Services, running: Running) -> None:
    """As many patients as the job says, from its checkpoint on."""
    number = running.parameters["number"]
    done = (running.checkpoint or {"done": 0})["done"]
    while done < number:
        sent = {"resourceType": "Patient", "identifier": [{"system": "urn:made", "value": str(done)}]}
        write = services.intake.write(
            sent, id=services.new_id(), expected=0, now=services.clock(), method="POST"
        )
        done += 1
        await running.commit(UnitOfWork([write]), progress=f"{done} made", checkpoint={"done": done})
        _tell(str(done))
        await asyncio.to_thread(sys.stdin.readline)
    await running.finish(Result(200, {"resourceType": "Parameters"}))
    _tell("finished")


def _tell(fact: str) -> None:
    sys.stdout.write(f"{fact}\n")
    sys.stdout.flush()


async def work(store: str, lease: float) -> None:
    settings, definitions = Settings(store=store, job_lease=lease), load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        await Worker(services, {"make": JobKind(make)}, at_once=1, poll=0.05).work()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], float(sys.argv[2])))
