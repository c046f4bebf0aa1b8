"""Jobs whose process is killed: another goes on where it was, and nothing is done twice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.search.filters import EVERYTHING, Query
from fhir_mpi.settings import Settings
from tests.integration.http.test_jobs import begin

NUMBER = 30


@contextmanager
def laborer(store: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.integration.http.laborer", store, "0.5"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        yield process
        process.kill()


def told(process: "subprocess.Popen[str]", *, until: str) -> list[str]:
    """What it says, told to go on after each line but the last."""
    assert process.stdin
    assert process.stdout
    lines = [process.stdout.readline().strip()]
    while lines[-1] != until:
        assert lines[-1], "the process has ended"
        process.stdin.write("\n")
        process.stdin.flush()
        lines.append(process.stdout.readline().strip())
    return lines


async def test_a_job_survives_its_process_and_does_everything_once(store_url: str) -> None:
    job = await begin(store_url, "make", number=NUMBER)
    with laborer(store_url) as first:
        assert told(first, until=str(NUMBER // 3))[-1] == str(NUMBER // 3)
    with laborer(store_url) as second:
        lines = told(second, until="finished")
    assert lines == [*(str(number) for number in range(NUMBER // 3 + 1, NUMBER + 1)), "finished"]
    settings, definitions = Settings(store=store_url), load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        page = await services.store.search(Query("Patient", EVERYTHING, 2 * NUMBER))
        made = sorted(int(found.resource["identifier"][0]["value"]) for found in page.resources)
        assert made == list(range(NUMBER))
        found = await services.store.job(job.id)
        assert found is not None
        assert found.progress == f"{NUMBER} made"
