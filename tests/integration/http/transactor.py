"""Another process with transactions: `python -m tests.integration.http.transactor MODE STORE NAME`."""

import asyncio
import sys
from collections.abc import Sequence
from itertools import count

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.interactions.conditional import criteria
from fhir_mpi.interactions.placing import Change
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.transactions import transact
from fhir_mpi.settings import Settings

BASE = "http://x/fhir"
SIZE = 20
TIMES = 10


def unit(services: Services, prefix: str) -> Sequence[Change]:
    """As many conditional creates, each linked to the one before."""
    return [_creation(services, prefix, number) for number in range(SIZE)]


def _creation(services: Services, prefix: str, number: int) -> Change:
    value = f"{prefix}-{number}"
    link = {"other": {"reference": f"urn:uuid:{(number - 1) % SIZE}"}, "type": "seealso"}
    identifiers = [{"system": "urn:n", "value": value}, {"system": "urn:unit", "value": prefix}]
    resource = {"resourceType": "Patient", "identifier": identifiers, "link": [link]}
    wanted = criteria(services, "Patient", [("identifier", f"urn:n|{value}")], BASE)
    return Change(
        number, "POST", "Patient", criteria=wanted, resource=resource, full_url=f"urn:uuid:{number}"
    )


async def race(services: Services, prefix: str) -> None:
    """Waits for a line, sends the same transaction many times at once, prints what each did and which."""
    _tell("ready")
    sys.stdin.readline()
    same = unit(services, prefix)
    for done in await asyncio.gather(*(transact(services, same, BASE) for _ in range(TIMES))):
        written = [one for each in done.values() for one in each]
        ids = ",".join(str(one.version and one.version.id) for one in written)
        _tell(f"{'/'.join(sorted({one.did for one in written}))} {ids}")


async def acknowledge(services: Services, prefix: str) -> None:
    """Commits one transaction after the other for ever, and prints the number of each when it is done."""
    for number in count():
        await transact(services, unit(services, f"{prefix}-{number}"), BASE)
        _tell(f"{number}")


async def _main(mode: str, store: str, prefix: str) -> None:
    settings, definitions = Settings(store=store), load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        await {"race": race, "acknowledge": acknowledge}[mode](services, prefix)


def _tell(fact: str) -> None:
    sys.stdout.write(f"{fact}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:4]))
