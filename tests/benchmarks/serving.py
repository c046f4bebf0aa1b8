"""Load, start, $match: what a site with this many patients gets on this machine.

    python -m tests.benchmarks.serving --population 100000
    python -m tests.benchmarks.serving --population 1000000 --against 100000

Every step goes the way a user goes: `fhir-mpi load` of an NDJSON file, `fhir-mpi serve`, HTTP with
keep-alive; "in process" is the operation from parsed Parameters to the encoded Bundle. The people are
invented, with relatives, names by their real frequency; the probes are corrupted copies of people on
file, with the error rates of `fhir_mpi.demo.corruption`.
"""

import argparse
import asyncio
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.population import people
from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.types import Resource
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.match import match
from fhir_mpi.settings import Settings
from tests.benchmarks.census_names import census_names
from tests.benchmarks.measuring import at_once, children, percentile, post, rss_mib, spread, timed

SEED = 20261122
Probe = tuple[str, Resource]
"""The id of the true record, and what is known of the person."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--population", type=int, default=100_000)
    parser.add_argument("--against", type=int, help="a second, smaller population for the ratio of p50")
    parser.add_argument("--probes", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"), help="kept between runs")
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    p50 = [report(given.folder, n, given.probes) for n in (given.against, given.population) if n]
    if len(p50) == 2:
        print(f"p50 in process, {given.population} against {given.against}: {p50[1] / p50[0]:.2f} times")


def report(folder: Path, population: int, probes: int) -> float:
    """Prints all figures for one population; answers p50 in process, in seconds."""
    print(
        f"--- {population} patients, {probes} probes, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    store = loaded(folder, population)
    asked = list(probes_of(population, probes))
    p50 = asyncio.run(in_process(store, asked))
    requests = [post("/fhir/Patient/$match", encode(patient)) for _, patient in asked]
    with served(store, workers=1) as (port, pid, started):
        print(f"cold start to first answer {started:.2f} s; RSS after start {_rss(pid):.0f} MiB")
        asyncio.run(timed("127.0.0.1", port, requests[:200]))
        seconds = asyncio.run(timed("127.0.0.1", port, requests))
        print(f"HTTP keep-alive, 1 worker, 1 connection: {spread(seconds)}; RSS {_rss(pid):.0f} MiB")
    with served(store, workers=2) as (port, pid, _):
        asyncio.run(at_once("127.0.0.1", port, requests[:500], 8))
        rate, seconds = asyncio.run(at_once("127.0.0.1", port, requests * 3, 8))
        print(f"HTTP, 2 workers, 8 connections: {rate:.0f} requests/s, {spread(seconds)}")
        print(f"RSS of each process {', '.join(f'{rss_mib(p):.0f}' for p in (pid, *children(pid)))} MiB")
    return p50


def probes_of(population: int, count: int) -> Iterator[Probe]:
    """Corrupted copies of people drawn evenly from the population."""
    rng, names = random.Random(SEED + 1), census_names()
    step = max(1, population // count)
    for number, person in enumerate(people(population, seed=SEED, names=names)):
        if number % step == 0:
            patient = probe(person, rng, names).patient()
            yield person.id, {key: value for key, value in patient.items() if key != "id"}


def loaded(folder: Path, population: int) -> str:
    """The URL of a store with the population, loaded by the command line where it isn't there yet."""
    store = f"sqlite:///{folder / f'{population}.db'}"
    if (folder / f"{population}.loaded").exists():
        print("already loaded by an earlier run")
        return store
    source = folder / f"{population}.ndjson"
    with source.open("wb") as file:
        for person in people(population, seed=SEED, names=census_names()):
            file.write(encode(person.patient()) + b"\n")
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "fhir_mpi", "load", "--store", store, str(source)], check=True)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = (folder / f"{population}.db").stat().st_size / 2**20
    print(
        f"load: {population / seconds:.0f} patients/s ({seconds:.0f} s),"
        f" peak {peak:.0f} MiB, file {size:.0f} MiB"
    )
    source.unlink()
    (folder / f"{population}.loaded").touch()
    return store


async def in_process(store: str, asked: Sequence[Probe]) -> float:
    settings = Settings(store=store)
    definitions = load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        calls = [Call({"resource": patient}, "http://localhost/fhir", "Patient") for _, patient in asked]
        for call in calls[:200]:
            await match(services, call)
        seconds, answers = [], []
        for call in calls:
            started = time.perf_counter()
            answer = await match(services, call)
            encode(answer)
            seconds.append(time.perf_counter() - started)
            answers.append(answer)
    print(f"in process: {spread(seconds)}")
    _print_accuracy([true for true, _ in asked], answers)
    return percentile(seconds, 0.5)


def _print_accuracy(true: Sequence[str], answers: Sequence[Resource]) -> None:
    first = certain_or_probable = wrong_certain = 0
    for id, answer in zip(true, answers, strict=True):
        found = [
            (e["fullUrl"].rpartition("/")[2], _grade(e)) for e in answer.get("entry", ()) if "fullUrl" in e
        ]
        first += bool(found) and found[0][0] == id
        certain_or_probable += any(i == id and grade in ("certain", "probable") for i, grade in found)
        wrong_certain += any(i != id and grade == "certain" for i, grade in found)
    n = len(true)
    print(
        f"true record first {first / n:.4f}, certain or probable {certain_or_probable / n:.4f};"
        f" a wrong person certain {wrong_certain / n:.4f} of probes"
    )


def _grade(entry: Resource) -> str:
    return str(entry["search"]["extension"][0]["valueCode"])


@contextmanager
def served(store: str, workers: int) -> Iterator[tuple[int, int, float]]:
    """A running server: its port, process id, and seconds from start to the first answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "fhir_mpi", "serve", "--store", store, "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        env={**os.environ, "FHIR_MPI_LOG_LEVEL": "warning"},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield port, process.pid, _answered(f"http://127.0.0.1:{port}/fhir/metadata", started)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answered(url: str, started: float) -> float:
    while time.perf_counter() - started < 60:
        with suppress(OSError), urllib.request.urlopen(url) as answer:
            answer.read()
            return time.perf_counter() - started
        time.sleep(0.02)
    raise RuntimeError("the server did not start within a minute")


def _rss(pid: int) -> float:
    """Memory of the process that serves: the worker where there is one."""
    return max(rss_mib(p) for p in (pid, *children(pid)))


if __name__ == "__main__":
    main()
