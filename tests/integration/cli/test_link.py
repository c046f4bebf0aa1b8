"""`fhir-mpi link`: whole populations, pairs, and runs that were killed."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.app import open_services
from fhir_mpi.mdm.link import Link, MatchResult
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.settings import Settings
from fhir_mpi.storage.port import Store
from tests.integration.cli.command import run, with_store, written
from tests.integration.mdm.conftest import compiled
from tests.integration.mdm.states import World, person

LINKING = {"FHIR_MPI_MDM": "match-and-link"}
NUMBER = 120
SECONDS = 120.0


@pytest.fixture
def on_a_bench(monkeypatch: pytest.MonkeyPatch, in_threads: None) -> None:
    """The worker of `link` is a thread here; another test starts the real processes."""

    @contextmanager
    def thread(count: int, make: Callable[[], Any]) -> Iterator[Executor]:
        own = make()
        monkeypatch.setattr("fhir_mpi.batch.workers._own", [own])
        with ThreadPoolExecutor(1) as pool:
            yield pool
            pool.submit(own.close).result()

    monkeypatch.setattr("fhir_mpi.cli.link.workers", thread)


@pytest.fixture
def people(loaded: Callable[..., Any], tmp_path: Path) -> None:
    records = [{**person(who), "id": f"{who}{number}"} for who in "abc" for number in (1, 2)]
    loaded(written(tmp_path / "people.ndjson", records))


def links(url: str) -> list[Link]:
    async def read(store: Store) -> list[Link]:
        return [link async for link in store.scan_links("Patient")]

    return with_store(url, read)


def partition(url: str, result: MatchResult = MatchResult.MATCH) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for link in links(url):
        if link.result is result:
            groups.setdefault(link.golden, []).append(link.source)
    return sorted(groups.values())


def test_a_loaded_population_is_linked_once(people: None, on_a_bench: None, store_url: str) -> None:
    first = run("link", "--all", "--store", store_url, env=LINKING)
    assert "Patient: 6 linked, 0 had links before" in first.output
    assert "Organization: 0 linked" in first.output
    assert partition(store_url) == [["a1", "a2"], ["b1", "b2"], ["c1", "c2"]]
    again = run("link", "--type", "Patient", "--store", store_url, env=LINKING)
    assert "Patient: 0 linked, 6 had links before" in again.output


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_pairs_of_dedupe_become_links_by_their_probability(
    people: None, on_a_bench: None, store_url: str, tmp_path: Path, suffix: str
) -> None:
    pairs = tmp_path / f"pairs.{suffix}"
    rows = [("a1", "b1", 0.995), ("b1", "c1", 0.95), ("a1", "a2", 0.5)]
    if suffix == "csv":
        pairs.write_text("one,other,grade,probability\n" + "".join(f"{o},{t},x,{p}\n" for o, t, p in rows))
    else:
        written(pairs, [{"one": one, "other": other, "probability": p} for one, other, p in rows])
    options = ["--type", "Patient", "--pairs", pairs, "--possible", 0.9, "--match", 0.99]
    assert "6 linked" in run("link", *options, "--store", store_url, env=LINKING).output
    assert partition(store_url) == [["a1", "b1"], ["a2"], ["b2"], ["c2"]]
    assert partition(store_url, MatchResult.POSSIBLE_MATCH) == [["c1"]]


def test_what_cannot_be_done_is_said(tmp_path: Path, store_url: str) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("one,two\na,b\n")
    given = ["--store", store_url]
    for options, said in (
        ([], "say --all or --type"),
        (["--all", "--type", "Patient"], "say --all or --type"),
        (["--all", "--pairs", pairs], "--pairs are of one --type"),
        (["--type", "Patient", "--possible", 0.9, "--match", 0.8], "--possible is at most --match"),
        (["--type", "Patient", "--pairs", pairs], "each pair needs one, other and probability"),
        (["--type", "Patient", "--pairs", __file__], "pairs are read from .csv or .ndjson"),
    ):
        result = run("link", *options, *given, env=LINKING)
        assert (result.exit_code, said in result.output) == (2, True), result.output
    result = run("link", "--all", *given, env={"FHIR_MPI_MDM": "match-only"})
    assert (result.exit_code, "not match-and-link for any type" in result.output) == (2, True)


async def test_a_run_that_was_killed_in_the_middle_is_finished_by_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'index.db'}"
    command = [sys.executable, "-m", "fhir_mpi", "link", "--all", "--store", url, "--batch", "4"]
    environment = {**os.environ, **LINKING}
    definitions, intake = compiled()
    async with open_services(Settings(store=url, mdm="match-only"), definitions, intake) as services:
        world = World(services)
        for number in range(NUMBER):
            await world.put(f"p{number:03}", person(f"who-{number // 2}"))
        process = await asyncio.create_subprocess_exec(*command, "--workers", "1", env=environment)
        async with asyncio.timeout(SECONDS):
            while not await world.links():
                assert process.returncode is None
                await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        reached = await world.links()
        await world.check(reached)
        assert 0 < len(reached) < NUMBER
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0
        found = await world.links()
        await world.check(found)
        groups: dict[str, list[str]] = {}
        for link in found:
            groups.setdefault(link.golden, []).append(link.source)
        assert sorted(groups.values()) == [[f"p{n:03}", f"p{n + 1:03}"] for n in range(0, NUMBER, 2)]
        assert [link.version for link in found] == [1] * NUMBER
        managed = [s async for s in services.store.scan("Patient") if is_managed(s.resource)]
        assert len(managed) == NUMBER // 2
