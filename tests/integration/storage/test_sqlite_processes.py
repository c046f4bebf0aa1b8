"""The SQLite store between processes: one writer at a time, and what was acknowledged is kept."""

import subprocess
import sys
from pathlib import Path

from fhir_mpi.search.filters import EVERYTHING, Equals
from fhir_mpi.storage.sqlite import SqliteStore
from tests.integration.storage.writes import commit, put

ROOT = Path(__file__).parents[3]
GOAL = 60


def _start(mode: str, path: Path, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.storage.racer", mode, str(path), str(number)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


async def test_three_processes_win_each_version_once(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    racers = [_start("race", path, GOAL) for _ in range(3)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [racer.communicate(timeout=120)[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted(int(version) for each in won for version in each) == list(range(1, GOAL + 1))
    store = await SqliteStore.open(str(path), types=["Patient"], timeout=30.0)
    history = await store.history("Patient", "a", limit=GOAL * 2)
    assert [stored.version for stored in history] == list(range(GOAL, 0, -1))
    assert await store.count("Patient", Equals("family", f"f{GOAL - 1}")) == 1
    assert await store.count("Patient", Equals("family", f"f{GOAL - 2}")) == 0
    assert await store.population("Patient") == 1
    await store.close()


async def test_a_killed_process_loses_nothing_acknowledged_and_leaves_no_half_unit(tmp_path: Path) -> None:
    path, size = tmp_path / "index.sqlite", 200
    writer = _start("acknowledge", path, size)
    assert writer.stdout is not None
    acknowledged = int([writer.stdout.readline() for _ in range(5)][-1])
    writer.kill()
    acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    writer.communicate()
    store = await SqliteStore.open(str(path), types=["Patient"], timeout=30.0)
    total = await store.count("Patient", EVERYTHING)
    units = total // size
    assert total == units * size
    assert units in (acknowledged + 1, acknowledged + 2), "one unit may have been done, not yet told"
    for unit in range(units):
        assert await store.count("Patient", Equals("unit", f"{unit}")) == size
        assert len((await store.candidates("Patient", [unit], cap=size)).rows) == size
    assert await store.population("Patient") == total
    await commit(store, put("after"))
    await store.close()
