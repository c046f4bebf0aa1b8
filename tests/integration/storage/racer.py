"""Another process that writes: `python -m tests.integration.storage.racer MODE PATH GOAL`."""

import asyncio
import sys
from itertools import count

from fhir_mpi.storage.port import WriteConflict
from fhir_mpi.storage.sqlite import SqliteStore
from tests.integration.storage.writes import commit, put


async def race(path: str, goal: int) -> None:
    """Brings the Patient `a` to version `goal` with others, and prints the versions this process won."""
    store = await SqliteStore.open(path, types=["Patient"], timeout=30.0)
    _tell("ready")
    sys.stdin.readline()
    while True:
        head = (await store.heads("Patient", ["a"])).get("a")
        version = head.version if head else 0
        if version >= goal:
            break
        try:
            await commit(store, put("a", {"family": [f"f{version}"]}, expected=version, keys=[version]))
        except WriteConflict:
            continue
        _tell(version + 1)
    await store.close()


async def acknowledge(path: str, size: int) -> None:
    """Commits units of `size` patients for ever, and prints the number of each when it is done."""
    store = await SqliteStore.open(path, types=["Patient"], timeout=30.0)
    for unit in count():
        await commit(store, *(put(f"u{unit}-{n}", {"unit": [f"{unit}"]}, keys=[unit]) for n in range(size)))
        _tell(unit)


def _tell(fact: object) -> None:
    sys.stdout.write(f"{fact}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run({"race": race, "acknowledge": acknowledge}[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
