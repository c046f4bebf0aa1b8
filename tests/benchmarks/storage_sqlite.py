"""Load and lookup speed of the SQLite store on invented patients.

python -m tests.benchmarks.storage_sqlite --patients 200000 --unit 2000
"""

import argparse
import asyncio
import json
import os
import resource
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from random import Random
from time import perf_counter

from fhir_mpi.search.filters import And, Contains, Equals, Filter, Interval, Prefix, Query, Sort, Within
from fhir_mpi.storage.port import CandidateEntry, Stored, UnitOfWork, Write
from fhir_mpi.storage.sqlite import SqliteStore

DAY = 86_400_000.0
START = datetime(2024, 1, 1, tzinfo=UTC)
SYLLABLES = (
    "smi",
    "jo",
    "bra",
    "ka",
    "lin",
    "ter",
    "son",
    "wood",
    "ma",
    "el",
    "ric",
    "an",
    "to",
    "ven",
    "dor",
)


def word(random: Random, parts: int) -> str:
    return "".join(random.choice(SYLLABLES) for _ in range(parts))


def patient(n: int) -> Write:
    """About 35 texts, 2 intervals, 12 keys and 2 kB of JSON, alike in spread to real registrations."""
    random = Random(n)
    family, given, middle = word(random, 3), word(random, 2), word(random, 2)
    birth = float(random.randrange(-20_000, 19_000)) * DAY
    city, postal = word(random, 2), f"{random.randrange(30_000):05}"
    street = f"{random.randrange(400)} {word(random, 3)} street"
    phone, mail = f"555{random.randrange(10**7):07}", f"{given}.{family}{n}@example.org"
    identifiers = [f"http://example.org/mrn|{n:08}", f"http://example.org/ssn|{random.randrange(10**9):09}"]
    names = [family, given, middle]
    index: dict[str, list[str] | list[Interval]] = {
        "identifier": [text for i in identifiers for text in (i, i.rpartition("|")[2])],
        "identifier:of-type": [f"MR|{n:08}", f"SS|{n:08}"],
        "family": [family],
        "given": sorted({given, middle}),
        "name": sorted({*names, f"{given} {family}"}),
        "family:exact": [family.title()],
        "given:exact": sorted({given.title(), middle.title()}),
        "name:exact": sorted({name.title() for name in names}),
        "phonetic": sorted({name[:3] for name in names}),
        "gender": [random.choice(("male", "female"))],
        "active": ["true"],
        "address": sorted({street, city, postal, "state", "us"}),
        "address-city": [city],
        "address-postalcode": [postal],
        "address-state": ["state"],
        "address-country": ["us"],
        "telecom": [phone, mail],
        "phone": [phone],
        "email": [mail],
        "organization": [f"Organization/{random.randrange(50)}"],
        "language": ["en"],
        "birthdate": [Interval(birth, birth + DAY - 1)],
        "registered": [Interval(float(n), float(n))],
    }
    keys = [
        key(number, part) for number, part in enumerate(key_parts(family, given, birth, postal, phone, n))
    ]
    packed = "|".join((family, given, middle, str(birth), postal, phone, street, city))
    body = {
        "resourceType": "Patient",
        "id": f"p{n}",
        "identifier": [{"system": i.rpartition("|")[0], "value": i.rpartition("|")[2]} for i in identifiers],
        "name": [{"family": family.title(), "given": [given.title(), middle.title()]}],
        "address": [{"line": [street], "city": city, "postalCode": postal}],
        "text": {"status": "generated", "div": "x" * 1_300},
    }
    version = Stored(
        "Patient", f"p{n}", 1, START + timedelta(milliseconds=n), "POST", json.dumps(body).encode()
    )
    return Write(version, 0, index, CandidateEntry(frozenset(keys), packed))


def key(*parts: object) -> int:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big", signed=True)


def key_parts(family: str, given: str, birth: float, postal: str, phone: str, n: int) -> list[object]:
    return [
        f"mrn{n}",
        phone,
        (family[:4], birth),
        (given[:4], birth),
        (family[:4], given[:4], birth // (365 * DAY)),
        (family[:4], given[:4], birth % (365 * DAY)),
        (family[:4], given[:4], postal),
        (birth, postal),
        (phone[3:], postal),
        (family[:4], birth // (366 * DAY)),
        f"ssn{n}",
        (family, given),
    ]


async def load(store: SqliteStore, patients: int, unit: int) -> None:
    """Prints writes per second by decile, making the rows not counted."""
    tenth, spent, done = max(patients // 10, unit), 0.0, 0
    for first in range(0, patients, unit):
        writes = [patient(n) for n in range(first, min(first + unit, patients))]
        before = perf_counter()
        await store.commit(UnitOfWork(writes))
        spent += perf_counter() - before
        done += len(writes)
        if done >= tenth or first + unit >= patients:
            print(
                f"  {first + len(writes):>9,} loaded  {done / spent:>8,.0f} writes/s  {memory()}", flush=True
            )
            spent, done = 0.0, 0


async def measure(name: str, ask: Callable[[int], Awaitable[object]], times: int) -> None:
    spent: list[float] = []
    for n in range(times):
        before = perf_counter()
        await ask(n)
        spent.append(perf_counter() - before)
    spent.sort()
    p50, p99 = (1000 * spent[int(len(spent) * share)] for share in (0.5, 0.99))
    print(f"  {name:<42} p50 {p50:>9.3f} ms   p99 {p99:>9.3f} ms")


def probe(n: int, patients: int) -> list[int]:
    """The 12 keys of somebody who is there, and 8 that nobody has."""
    found = patient(Random(n).randrange(patients)).candidate
    assert found is not None
    return [*found.keys, *(key(n, "absent", extra) for extra in range(8))]


def queries(patients: int) -> Iterator[tuple[str, Filter, tuple[Sort, ...]]]:
    random = Random(1)
    number = f"http://example.org/mrn|{random.randrange(patients):08}"
    male, smith = Equals("gender", "male"), Prefix("family", "smijo")
    births = Within("birthdate", low_from=0.0, high_to=30 * DAY - 1)
    yield "identifier=", Equals("identifier", number), ()
    yield "family=smijo* & birthdate in a month", And((smith, births)), ()
    yield "family=smijo* & gender=male", And((smith, male)), ()
    yield "gender=male", male, ()
    yield "gender=male, _sort=family", male, (Sort("family"),)
    yield "gender=male, _sort=-birthdate", male, (Sort("birthdate", descending=True),)
    yield "gender=male, _sort=-_lastUpdated", male, (Sort("_lastUpdated", descending=True),)
    yield "family=smijo*, _sort=-_lastUpdated", smith, (Sort("_lastUpdated", descending=True),)
    yield "family:contains=oodma", Contains("family", "oodma"), ()
    yield "birthdate in a month", births, ()


async def lookups(store: SqliteStore, patients: int) -> None:
    probes = [probe(n, patients) for n in range(2000)]
    ids = [f"p{Random(n).randrange(patients)}" for n in range(2000)]
    await measure("one look (population)", lambda n: store.population("Organization"), 2000)
    await measure("candidates, 20 keys", lambda n: store.candidates("Patient", probes[n], cap=300), 2000)
    await measure("candidates again", lambda n: store.candidates("Patient", probes[n], cap=300), 2000)
    await measure("read", lambda n: store.read("Patient", ids[n]), 2000)
    for name, filter, sort in queries(patients):
        query = Query("Patient", filter, 20, sort)
        await measure(name, lambda n, query=query: store.search(query), 20)  # type: ignore[misc]
        await measure("   its count", lambda n, filter=filter: store.count("Patient", filter), 3)  # type: ignore[misc]
    print("  " + memory())


def memory() -> str:
    now = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return f"RSS {now:.0f} MB, at most {most:.0f} MB"


async def run(patients: int, unit: int, folder: str) -> None:
    path = Path(folder) / "index.sqlite"
    if not path.exists():
        store = await SqliteStore.open(str(path), types=["Patient", "Organization"], timeout=60.0)
        print(f"loading {patients:,} patients in units of {unit:,}")
        await load(store, patients, unit)
        await store.close()
    print(f"file {path.stat().st_size / 2**20:,.0f} MB")
    store = await SqliteStore.open(str(path), types=["Patient", "Organization"], timeout=60.0)
    await lookups(store, patients)
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200_000)
    parser.add_argument("--unit", type=int, default=2_000)
    parser.add_argument("--folder", help="keep the file here, and read it where it is there already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(options.patients, options.unit, options.folder or folder))


if __name__ == "__main__":
    main()
