"""Jobs whose process is killed: another goes on where it was, and nothing is done twice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.search.filters import EVERYTHING, Query
from fhir_mpi.settings import Settings
from tests.integration.http.test_jobs import begin

NUMBER = 60


@contextmanager
def laborer(store: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.integration.http.laborer", store, "0.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


async def test_a_job_survives_its_process_and_does_everything_once(store_url: str) -> None:
    job = await begin(store_url, "make", number=NUMBER)
    with laborer(store_url) as first:
        assert first.stdout
        while int(first.stdout.readline()) < NUMBER // 3:
            pass
    with laborer(store_url) as second:
        assert second.stdout
        lines = [int(line) for line in iter(second.stdout.readline, f"{NUMBER}\n")]
    assert lines[0] > NUMBER // 3
    settings, definitions = Settings(store=store_url), load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        page = await services.store.search(Query("Patient", EVERYTHING, 2 * NUMBER))
        made = sorted(int(found.resource["identifier"][0]["value"]) for found in page.resources)
        assert made == list(range(NUMBER))
        found = await services.store.job(job.id)
        assert found is not None
        assert found.progress == f"{NUMBER} made"
