"""The command in this process, with its workers in threads of it: fast, and measured by coverage."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from click.testing import Result

from fhir_mpi.interactions.intake import Intake
from tests.integration.cli.command import run


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of `load` and `import` are threads here; other tests start the real processes."""

    @contextmanager
    def threads(count: int, make_intake: Callable[[], Intake]) -> Iterator[Executor]:
        monkeypatch.setattr("fhir_mpi.batch.workers._own", [make_intake()])
        with ThreadPoolExecutor(count) as pool:
            yield pool

    monkeypatch.setattr("fhir_mpi.cli.load.workers", threads)
    monkeypatch.setattr("fhir_mpi.cli.importing.workers", threads)


@pytest.fixture
def loaded(in_threads: None, store_url: str) -> Callable[..., Result]:
    """Loads a file into the test's store."""
    return lambda *arguments, input=None: run("load", *arguments, "--store", store_url, input=input)
