"""$merge and its undoing over HTTP, of records that 0, 100 and 10,000 others refer to.

    python -m tests.benchmarks.merging
    python -m tests.benchmarks.merging --mongo --population 10000

One client, one worker, on a store with a population of patients beside those that are merged. Each pair is
merged and the merge undone; what is slower than the limit of an answer at once is answered later, as a
job, and timed until its answer is there. `--mongo` takes the server that FHIR_MPI_TEST_MONGO_URI names;
without one, the MongoDB-compatible test engine, and then the figures say how the store asks, not how fast
MongoDB answers.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx

from fhir_mpi.fhir.types import Json, Resource
from tests.benchmarks.measuring import spread
from tests.benchmarks.rest import opened
from tests.benchmarks.serving import served

SIZES = {0: 100, 100: 20, 10_000: 3}
"""References -> how many pairs are merged."""
AT_ONCE = 512
"""References up to which a merge is answered at once."""
BATCH = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--population", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"), help="kept between runs")
    parser.add_argument("--mongo", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    cores, python = os.cpu_count(), sys.version.split()[0]
    print(f"--- {given.population} patients, {cores} cores, Python {python}")
    with opened(given.mongo, given.folder, given.population) as store, served(store, workers=1) as server:
        asyncio.run(report(f"http://127.0.0.1:{server[0]}/fhir"))


async def report(base: str) -> None:
    """Prints the spread of merging and of undoing, for each number of references."""
    async with httpx.AsyncClient(base_url=base, timeout=300) as client:
        await _run(client, 0)
        for references, pairs in SIZES.items():
            seconds = [await _run(client, references) for _ in range(pairs)]
            for place, name in enumerate(("merge", "undo")):
                times = [each[place] for each in seconds]
                print(f"{name}, {references} references: {spread(times)} ({pairs} pairs)")


async def _run(client: httpx.AsyncClient, references: int) -> tuple[float, float]:
    """Seconds of merging a pair and of undoing that."""
    source, target = [await _made(client) for _ in range(2)]
    for start in range(0, references, BATCH):
        await _referring(client, source, min(BATCH, references - start))
    given: Resource = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": f"{role}-patient", "valueReference": {"reference": f"Patient/{id}"}}
            for role, id in (("source", source), ("target", target))
        ],
    }
    later = references > AT_ONCE
    merged = await _timed(client, "/Patient/$merge", given, later)
    return merged, await _timed(client, "/Patient/$hapi.fhir.undo-merge", given, later)


async def _made(client: httpx.AsyncClient) -> str:
    name = uuid4().hex
    sent: Json = {
        "resourceType": "Patient",
        "active": True,
        "name": [{"family": name[:8], "given": [name[8:14]]}],
        "identifier": [{"system": "urn:bench", "value": name}],
    }
    found: str = (await client.post("/Patient", json=sent)).raise_for_status().json()["id"]
    return found


async def _referring(client: httpx.AsyncClient, id: str, number: int) -> None:
    kin = {"resourceType": "RelatedPerson", "patient": {"reference": f"Patient/{id}"}}
    entry = {"request": {"method": "POST", "url": "RelatedPerson"}, "resource": kin}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * number}
    (await client.post("/", json=bundle)).raise_for_status()


async def _timed(client: httpx.AsyncClient, path: str, given: Resource, later: bool) -> float:
    started = time.perf_counter()
    headers = {"prefer": "respond-async"} if later else {}
    response = await client.post(path, json=given, headers=headers)
    while response.status_code == 202:
        url = response.headers.get("content-location", str(response.url))
        await asyncio.sleep(0.02)
        response = await client.get(url)
    response.raise_for_status()
    if later and (status := response.json()["entry"][0]["response"]["status"]) != "200 OK":
        raise RuntimeError(f"the job answered {status}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
