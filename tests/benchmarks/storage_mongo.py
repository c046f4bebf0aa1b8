"""Load and lookup speed of the MongoDB store on invented patients.

python -m tests.benchmarks.storage_mongo --patients 20000 --unit 500

On FHIR_MPI_TEST_MONGO_URI where that is set; else on the MongoDB-compatible test engine, and then the
figures say how the store asks, not how fast MongoDB answers.
"""

import argparse
import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from time import perf_counter
from uuid import uuid4

from fhir_mpi.search.filters import And, Equals, Filter, Prefix, Query, Within
from fhir_mpi.storage.mongo import MongoStore
from fhir_mpi.storage.port import UnitOfWork
from tests.benchmarks.storage_sqlite import DAY, measure, patient, probe
from tests.integration.mongo_engine import URI_VARIABLE, engine, engine_program


async def load(store: MongoStore, patients: int, unit: int) -> None:
    spent = 0.0
    for first in range(0, patients, unit):
        writes = [patient(n) for n in range(first, min(first + unit, patients))]
        before = perf_counter()
        await store.commit(UnitOfWork(writes))
        spent += perf_counter() - before
    print(f"  {patients:,} loaded in units of {unit:,}: {patients / spent:,.0f} writes/s")


def queries(patients: int) -> Iterator[tuple[str, Filter]]:
    number = f"http://example.org/mrn|{Random(1).randrange(patients):08}"
    smith = Prefix("family", "smijo")
    births = Within("birthdate", low_from=0.0, high_to=30 * DAY - 1)
    yield "identifier=", Equals("identifier", number)
    yield "family=smijo*", smith
    yield "family=smijo* & birthdate in a month", And((smith, births))
    yield "gender=male", Equals("gender", "male")


async def lookups(store: MongoStore, patients: int) -> None:
    probes = [probe(n, patients) for n in range(500)]
    ids = [f"p{Random(n).randrange(patients)}" for n in range(500)]
    await measure("read", lambda n: store.read("Patient", ids[n]), 500)
    await measure("candidates, 20 keys", lambda n: store.candidates("Patient", probes[n], cap=300), 500)
    for name, filter in queries(patients):
        query = Query("Patient", filter, 20)
        await measure(name, lambda n, query=query: store.search(query), 100)  # type: ignore[misc]
    alone = [UnitOfWork([patient(patients + n)]) for n in range(200)]
    await measure("commit of one new resource", lambda n: store.commit(alone[n]), 200)


async def run(uri: str, patients: int, unit: int) -> None:
    store = await MongoStore.open(uri, types=["Patient"], timeout=60.0, database=f"bench_{uuid4().hex}")
    try:
        await load(store, patients, unit)
        await lookups(store, patients)
    finally:
        await store._connection.client.drop_database(store._database.name)
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--unit", type=int, default=500)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        uri = os.environ.get(URI_VARIABLE)
        if uri is None:
            program = engine_program()
            if program is None:
                parser.error(f"set {URI_VARIABLE}, or install the group test-mongo")
            print("NOT MongoDB: the secantusdb test engine, without fsync at commit; ratios only")
            uri = stack.enter_context(engine(program))
        asyncio.run(run(uri, chosen.patients, chosen.unit))


if __name__ == "__main__":
    main()
