"""Re-keying by a process that is killed in the middle, and finished by the next one."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import orjson
import pytest

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions import rekeying
from fhir_mpi.interactions.services import Services
from fhir_mpi.settings import Settings
from fhir_mpi.storage.port import UnitOfWork
from tests.integration.cli.command import run

T = TypeVar("T")
PEOPLE = 3000
SECONDS = 120.0


def on(settings: Settings, act: Callable[[Services], Awaitable[T]]) -> T:
    async def opened() -> T:
        definitions = load_definitions()
        async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
            return await act(services)

    return asyncio.run(opened())


def test_no_record_is_missed_where_a_process_was_killed_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, model = f"sqlite:///{tmp_path / 'index.db'}", tmp_path / "model.json"
    packaged = Path(__file__).parents[3] / "fhir_mpi" / "models" / "patient.json"
    rule = {"name": "birth-date-alone", "stored": ["birth-date"]}
    model.write_bytes(orjson.dumps({**orjson.loads(packaged.read_bytes()), "blockingRules": [rule]}))
    drawn = [person.patient() for person in people(PEOPLE, seed=3, names=demo_names())]
    patients = [{**patient, "id": f"p{n}"} for n, patient in enumerate(drawn)]
    on(Settings(store=url), lambda services: _stored(services, patients))
    _killed_in_the_middle(url, model, tmp_path)
    given = Settings(store=url, patient_model=model)
    assert on(given, lambda services: _moving(services)) == ["Patient"]
    monkeypatch.setattr(rekeying, "PATIENCE", 0.01)
    monkeypatch.setattr(rekeying, "LOOK_UPS", 0.01)
    result = run("reindex", "--store", url, env={"FHIR_MPI_PATIENT_MODEL": str(model)})
    assert f"Patient: {PEOPLE:,} resources re-keyed" in result.output
    assert on(given, lambda services: _moving(services)) == []
    assert on(given, lambda services: _missed(services, patients[::50])) == []


async def _stored(services: Services, patients: Sequence[Resource]) -> None:
    now = services.clock()
    writes = [
        services.intake.write(patient, id=patient["id"], expected=0, now=now, method="PUT")
        for patient in patients
    ]
    await services.keys.commit(UnitOfWork(writes))


def _killed_in_the_middle(url: str, model: Path, folder: Path) -> None:
    """Starts to re-key, and kills the process once some records are done."""
    environment = {**os.environ, "FHIR_MPI_PATIENT_MODEL": str(model)}
    command = [sys.executable, "-m", "fhir_mpi", "reindex", "--store", url]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        until = time.monotonic() + SECONDS
        while not on(Settings(store=url), _begun):
            assert process.poll() is None, (folder / "output").read_text()
            assert time.monotonic() < until
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)


async def _begun(services: Services) -> bool:
    return any(reached["done"] for reached in (await rekeying.progress(services.keys)).values())


async def _moving(services: Services) -> list[str]:
    return list(await rekeying.progress(services.keys))


async def _missed(services: Services, patients: Sequence[Resource]) -> list[str]:
    found = [(await services.matchers["Patient"].matches(patient)).matches for patient in patients]
    return [
        patient["id"]
        for patient, matches in zip(patients, found, strict=True)
        if patient["id"] not in {match.id for match in matches}
    ]
