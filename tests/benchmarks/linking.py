"""How fast a loaded population is linked: invented people, a tenth of them known twice.

python -m tests.benchmarks.linking --patients 100000
"""

import argparse
import asyncio
import os
import resource
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter

from fhir_mpi.batch.linking import Tally, link_all
from fhir_mpi.batch.workers import workers
from fhir_mpi.cli.stores import make_bench, opened
from fhir_mpi.demo.corruption import duplicated
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.settings import Settings
from fhir_mpi.storage.port import UnitOfWork
from tests.benchmarks.measuring import children, rss_mib

UNIT = 5_000


async def measure(store: str, patients: int, count: int) -> None:
    settings = Settings(store=store, mdm="match-and-link")
    async with opened(settings) as services:
        writes = []
        for number, patient in enumerate(duplicated(patients, seed=11, names=demo_names())):
            id = f"p{number:07}"
            writes.append(
                services.intake.write(
                    {**patient, "id": id}, id=id, expected=0, now=services.clock(), method="PUT"
                )
            )
            if len(writes) == UNIT or number == patients - 1:
                await services.keys.commit(UnitOfWork(writes))
                writes = []
        print(f"{patients:,} patients loaded; linking with {count} workers", flush=True)
        started, before = perf_counter(), cpu_seconds()

        def show(tally: Tally) -> None:
            seconds = perf_counter() - started
            memory = [rss_mib(), *(rss_mib(child) for child in children(os.getpid()))]
            told = " ".join(f"{mib:.0f}" for mib in memory)
            print(f"  {tally.seen:>9,} {tally.seen / seconds:>8,.0f}/s  MiB: {told}", flush=True)

        with workers(count, make_bench(settings)) as pool:
            tally = await link_all(services, pool, "Patient", on_progress=show)
        seconds, spent = perf_counter() - started, cpu_seconds() - before
        results = Counter([str(link.result) async for link in services.store.scan_links("Patient")])
        print(
            f"{tally.linked:,} linked in {seconds:,.1f} s: {tally.linked / seconds:,.0f}/s; {dict(results)}"
        )
        print(f"{spent / patients * 1000:.2f} ms of CPU a record, the start of the workers included")


def cpu_seconds() -> float:
    """Of this process and those it has waited for: what a busy machine changes less than the time."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--store", help="another store than a new SQLite file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = given.store or f"sqlite:///{Path(folder) / 'index.db'}"
        asyncio.run(measure(store, given.patients, given.workers))


if __name__ == "__main__":
    main()
