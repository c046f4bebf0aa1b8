"""Plain FHIR REST over HTTP: read, search, create, transaction, `_include`, on a store with many patients.

    python -m tests.benchmarks.rest --population 1000000
    python -m tests.benchmarks.rest --population 100000 --mongo

One client, one connection kept alive, one worker; the load generator runs on the same cores. The
population is that of `tests.benchmarks.serving`, loaded by `fhir-mpi load`; what the benchmark itself
writes stays in the store. `--mongo` takes the server that FHIR_MPI_TEST_MONGO_URI names; without one, the
MongoDB-compatible test engine, and then the figures say how the store asks, not how fast MongoDB answers.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from pymongo import MongoClient

from fhir_mpi.demo.person import Person
from fhir_mpi.demo.population import people
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.types import Json, Resource
from tests.benchmarks.census_names import census_names
from tests.benchmarks.measuring import Connection, get, post, spread, timed
from tests.benchmarks.serving import SEED, loaded, served
from tests.integration.mongo_engine import URI_VARIABLE, engine, engine_program

HOST = "127.0.0.1"
WARM = 100
ORGANIZATIONS = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--population", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=2_000, help="of each kind that only reads")
    parser.add_argument("--folder", type=Path, default=Path("bench-data"), help="kept between runs")
    parser.add_argument("--mongo", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    cores, python = os.cpu_count(), sys.version.split()[0]
    print(f"--- {given.population} patients, {cores} cores, Python {python}")
    with opened(given.mongo, given.folder, given.population) as store, served(store, workers=1) as server:
        asyncio.run(report(server[0], given.population, given.requests))


async def report(port: int, population: int, count: int) -> None:
    """Prints the spread of each kind of request."""
    known = sample(population, count)
    organizations = await _with_organizations(port)
    reads = {
        "read": [get(f"/fhir/Patient/{p.id}") for p in known],
        "search by identifier": [_search(identifier=_identifier(p)) for p in known],
        "search by family and birthdate": [_search(family=p.family, birthdate=p.birth_date) for p in known],
        "page of 20 with _include": [
            _search(organization=f"Organization/{id}", _include="Patient:organization", _count="20")
            for id in organizations * (count // 10 // ORGANIZATIONS)
        ],
    }
    writes = {
        "create": [post("/fhir/Patient", encode(_new(p))) for p in known[: count // 4]],
        "transaction of 100 creates": [
            post("/fhir", encode(_transaction(known[start : start + 100])))
            for start in range(0, min(count, 2_000), 100)
        ],
    }
    for name, requests in {**reads, **writes}.items():
        await timed(HOST, port, requests[:WARM] if name in reads else requests[:5])
        print(f"{name}: {spread(await timed(HOST, port, requests))} ({len(requests)} requests)")


def sample(population: int, count: int) -> Sequence[Person]:
    """People drawn evenly from the population, in an order that jumps about in it."""
    step = max(1, population // count)
    everybody = enumerate(people(population, seed=SEED, names=census_names()))
    found = [person for number, person in everybody if number % step == 0 and person.national_id]
    random.Random(SEED).shuffle(found)
    return found


def _search(**criteria: str) -> bytes:
    return get(f"/fhir/Patient?{urlencode(criteria)}")


def _identifier(person: Person) -> str:
    return f"https://demo.invalid/national-id|{person.national_id}"


def _new(person: Person) -> Resource:
    return {key: value for key, value in person.patient().items() if key != "id"}


def _transaction(group: Sequence[Person]) -> Resource:
    entries = [{"request": {"method": "POST", "url": "Patient"}, "resource": _new(p)} for p in group]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def _with_organizations(port: int) -> list[str]:
    """The ids of a few organizations, each of which has forty patients: what `_include` is asked of."""
    run = uuid4().hex[:8]
    ids = [f"bench-{run}-{number}" for number in range(ORGANIZATIONS)]
    entries = [_put("Organization", id, {"name": f"Hospital {id}"}) for id in ids]
    for id in ids:
        managed = {"managingOrganization": {"reference": f"Organization/{id}"}, "active": True}
        entries += [_put("Patient", f"{id}-{number}", managed) for number in range(40)]
    connection = await Connection.open(HOST, port)
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    status, answer = await connection.send(post("/fhir", encode(bundle)))
    await connection.close()
    if status != 200:
        raise RuntimeError(f"the server answered {status}: {answer[:300]!r}")
    return ids


def _put(type: str, id: str, content: Json) -> Json:
    resource = {"resourceType": type, "id": id, **content}
    return {"request": {"method": "PUT", "url": f"{type}/{id}"}, "resource": resource}


@contextmanager
def opened(mongo: bool, folder: Path, population: int) -> Iterator[str]:
    """The URL of a store with the population."""
    if not mongo:
        yield loaded(folder, population)
        return
    given, program = os.environ.get(URI_VARIABLE), engine_program()
    if given is not None:
        yield _filled(given, folder, population)
    elif program is None:
        raise SystemExit(f"set {URI_VARIABLE}, or install the group test-mongo")
    else:
        print("NOT MongoDB: the secantusdb test engine, without fsync at commit; ratios only")
        with engine(program) as uri:
            yield _filled(uri, folder, population)


def _filled(uri: str, folder: Path, population: int) -> str:
    """A database of its own on this server, with the population in it; kept for the next run there."""
    base, _, options = uri.partition("?")
    store = f"{base.rstrip('/')}/bench_{population}?{options}"
    with MongoClient[dict[str, object]](uri) as server:
        if server[f"bench_{population}"]["Patient"].estimated_document_count() >= population:
            print("already loaded by an earlier run")
            return store
    source = folder / f"{population}.mongo.ndjson"
    with source.open("wb") as file:
        for person in people(population, seed=SEED, names=census_names()):
            file.write(encode(person.patient()) + b"\n")
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "fhir_mpi", "load", "--store", store, str(source)], check=True)
    source.unlink()
    print(f"load: {population / (time.perf_counter() - started):.0f} patients/s")
    return store


if __name__ == "__main__":
    main()
