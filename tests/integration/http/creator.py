"""Another process that creates by criteria: `python -m tests.integration.http.creator STORE NUMBER TIMES`."""

import asyncio
import sys

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.interactions import conditional
from fhir_mpi.settings import Settings


async def create(store: str, number: str, times: int) -> None:
    """Waits for a line, creates by one criterion many times at once, prints what each did and which."""
    settings, definitions = Settings(store=store), load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        _tell("ready")
        sys.stdin.readline()
        wanted = conditional.criteria(
            services, "Patient", [("identifier", f"urn:n|{number}")], "http://x/fhir"
        )
        sent = {"resourceType": "Patient", "identifier": [{"system": "urn:n", "value": number}]}
        for done in await asyncio.gather(*(conditional.create(services, wanted, sent) for _ in range(times))):
            _tell(f"{done.did} {done.version.id if done.version else None}")


def _tell(fact: str) -> None:
    sys.stdout.write(f"{fact}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(create(sys.argv[1], sys.argv[2], int(sys.argv[3])))
