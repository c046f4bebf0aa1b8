"""Speed of searches over references, on both stores.

python -m tests.benchmarks.storage_references --patients 100000
python -m tests.benchmarks.storage_references --patients 20000 --store mongo

Patients as in storage_sqlite, each of one of 50 organizations; one Provenance for every tenth patient,
by one of 1,000 devices. The MongoDB figures are of FHIR_MPI_TEST_MONGO_URI where that is set, else of the
test engine: they say how the store asks, not how fast MongoDB answers.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

from fhir_mpi.search.filters import (
    EVERYTHING,
    And,
    Equals,
    Filter,
    IndexEntries,
    Not,
    Prefix,
    Query,
    Referred,
    Refers,
)
from fhir_mpi.storage.mongo import MongoStore
from fhir_mpi.storage.port import Store, Stored, UnitOfWork, Write
from fhir_mpi.storage.sqlite import SqliteStore
from tests.benchmarks.storage_sqlite import START, measure, patient
from tests.integration.mongo_engine import URI_VARIABLE, engine, engine_program

TYPES = ("Patient", "Organization", "Provenance")
BASE = "https://mpi.example.org/fhir/"


def other(type: str, id: str, index: IndexEntries) -> Write:
    body = f'{{"resourceType":"{type}","id":"{id}"}}'.encode()
    return Write(Stored(type, id, 1, START, "POST", body), 0, index)


async def load(store: Store, patients: int) -> None:
    organizations = [
        other("Organization", str(n), {"name": [f"clinic {n}"], "active": ["=true"]}) for n in range(50)
    ]
    await store.commit(UnitOfWork(organizations))
    for first in range(0, patients, 1000):
        some = range(first, min(first + 1000, patients))
        writes = [patient(n) for n in some]
        writes += [
            other(
                "Provenance",
                f"v{n}",
                {"target": [f"Patient/p{n}", f"=p{n}"], "agent": [f"Device/{n // 10 % 1000}"]},
            )
            for n in some
            if n % 10 == 0
        ]
        for at in range(0, len(writes), 500):
            await store.commit(UnitOfWork(writes[at : at + 500]))


def refers(filter: Filter) -> Filter:
    return Refers("organization", "Organization", filter, ("Organization/", f"{BASE}Organization/"))


def referred(filter: Filter) -> Filter:
    return Referred("Provenance", "target", filter, ("Patient/", f"{BASE}Patient/"))


def queries(patients: int) -> Iterator[tuple[str, Filter]]:
    name = refers(Equals("name", "clinic 7"))
    agent = referred(Equals("agent", "Device/7"))
    yield "organization.name=clinic 7", name
    yield "organization.name=clinic (all)", refers(Prefix("name", "clinic"))
    yield "organization.name=nobody", refers(Equals("name", "nobody"))
    yield "organization.name=clinic 7 & family=smijo", And((name, Prefix("family", "smijo")))
    yield (
        "organization.name=clinic 7 & identifier=",
        And((name, Equals("identifier", f"http://example.org/mrn|{patients // 2:08}"))),
    )
    yield "not organization.name=clinic 7", Not(name)
    yield "_has:Provenance:target:agent=Device/7", agent
    yield "_has, agent is nobody", referred(Equals("agent", "Device/x"))
    yield "_has:Provenance:target:_id:missing=false", referred(EVERYTHING)


async def run(store: Store, patients: int, times: int) -> None:
    await load(store, patients)
    print(f"{patients:,} patients")
    for name, filter in queries(patients):
        await measure(name, lambda _, f=filter: store.search(Query("Patient", f, 20)), times)  # type: ignore[misc]
        await measure("   its count", lambda _, f=filter: store.count("Patient", f), 3)  # type: ignore[misc]


async def on_sqlite(patients: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(f"{folder}/index.sqlite", types=TYPES, timeout=60.0)
        await run(store, patients, 20)
        await store.close()


async def on_mongo(uri: str, patients: int) -> None:
    store = await MongoStore.open(uri, types=TYPES, timeout=120.0, database=f"bench_{uuid4().hex}")
    try:
        await run(store, patients, 5)
    finally:
        await store._connection.client.drop_database(store._database.name)
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--store", choices=("sqlite", "mongo"), default="sqlite")
    chosen = parser.parse_args()
    if chosen.store == "sqlite":
        asyncio.run(on_sqlite(chosen.patients))
        return
    with ExitStack() as stack:
        uri = os.environ.get(URI_VARIABLE)
        if uri is None:
            program = engine_program()
            if program is None:
                parser.error(f"set {URI_VARIABLE}, or install the group test-mongo")
            print("NOT MongoDB: the secantusdb test engine; ratios only")
            uri = stack.enter_context(engine(program))
        asyncio.run(on_mongo(uri, chosen.patients))


if __name__ == "__main__":
    main()
