"""People who arrive at the same moment, in three processes, and processes that are killed while they link."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from fhir_mpi.mdm.link import MatchResult
from tests.integration.mdm.conftest import NewWorld
from tests.integration.mdm.states import person

ROOT = Path(__file__).parents[3]
PROCESSES = 3


def start(mode: str, store: str, number: int, first: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.mdm.arriver", mode, store, str(number), str(first)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


@pytest.mark.parametrize(("mode", "persons"), [("equal", 1), ("different", 201)])
async def test_two_hundred_who_arrive_at_once_in_three_processes(
    new_world: NewWorld, store_url: str, mode: str, persons: int
) -> None:
    """200 equal people make one golden record, 200 different ones 200."""
    each = 67
    async with new_world() as world:
        processes = [start(mode, store_url, each, n * each) for n in range(PROCESSES)]
        for process in processes:
            ready(process)
        for process in processes:
            go(process)
        for process in processes:
            assert process.communicate(timeout=500)[0] == "done\n"
            assert process.returncode == 0
        await world.drain()
        links = await world.links()
        await world.check(links)
        assert len(links) == PROCESSES * each
        assert {link.result for link in links} == {MatchResult.MATCH}
        assert len({link.golden for link in links}) == len(await world.goldens()) == persons


async def test_several_who_link_the_same_queue_link_each_source_once(new_world: NewWorld) -> None:
    async with new_world(mdm_at_once=0) as one, new_world(mdm_at_once=0) as other:
        for number in range(24):
            await one.put(str(number), person("the same"))
        done = await asyncio.gather(*(world.drain() for world in (one, other, one, other)))
        assert sum(done) >= 24
        assert await one.services.store.pending(limit=1) == []
        links = await one.links()
        await one.check(links)
        assert len(links) == 24
        assert len(await one.goldens()) == 1


@pytest.mark.parametrize("queued", [0, 1])
@pytest.mark.parametrize("told", [3, 4, 7])
async def test_a_process_that_is_killed_while_it_links_leaves_nothing_half_done(
    new_world: NewWorld, store_url: str, queued: int, told: int
) -> None:
    process = start("steadily", store_url, queued, 0)
    ready(process)
    go(process)
    assert process.stdout is not None
    for _ in range(told):
        assert process.stdout.readline().startswith("p")
    process.kill()
    process.communicate()
    async with new_world() as world:
        await world.check(await world.links())
        await world.drain()
        links = await world.links()
        await world.check(links)
        sources = await world.services.store.population("Patient")
        assert sources >= told
        assert len(links) == sources
        assert len(await world.goldens()) == (sources + 1) // 2
