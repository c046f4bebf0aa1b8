"""Another process in which people arrive: `python -m tests.integration.mdm.arriver MODE STORE NUMBER FIRST`.

`equal` and `different` create so many people at once, all the same person or each another one, link what
then waits (of equal ones most do, as they have too many candidates), and end. `steadily` creates one after
the other, each person twice, until the process is killed.
"""

import asyncio
import sys
from collections.abc import Iterator
from itertools import count

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.interactions import writing
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.waiting import drain
from fhir_mpi.settings import Settings
from tests.integration.mdm.states import person


async def arrive(mode: str, store: str, number: int, first: int) -> None:
    at_once = {"steadily": 0 if number else 50, "equal": 10, "different": 50}[mode]
    settings = Settings(store=store, mdm="match-and-link", mdm_at_once=at_once, store_timeout=60)
    definitions = load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        _tell("ready")
        sys.stdin.readline()
        if mode == "steadily":
            await _steadily(services)
        who = ["the same"] * number if mode == "equal" else [f"p{first + n}" for n in range(number)]
        await asyncio.gather(*(writing.create(services, "Patient", person(each)) for each in who))
        await drain(services)
        _tell("done")


async def _steadily(services: Services) -> None:
    for who in _twice():
        await writing.create(services, "Patient", person(who))
        await drain(services)
        _tell(who)


def _twice() -> Iterator[str]:
    return (f"p{number // 2}" for number in count())


def _tell(fact: str) -> None:
    sys.stdout.write(f"{fact}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(arrive(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
