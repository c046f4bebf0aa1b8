"""A store that other definitions wrote is refused until everything is derived anew, on both stores."""

import shutil
from pathlib import Path

import pytest

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import CHECKOUT, load_definitions
from fhir_mpi.interactions import freshness
from fhir_mpi.interactions.freshness import StaleIndex, reindex
from fhir_mpi.settings import Settings
from tests.integration.http.exchanges import create, find, ids, patient, surname
from tests.integration.http.serving import Serve


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Definitions without Patient.gender, and with Patient.family read from the prefix."""
    for folder in ("profiles", "capability", "search_params"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    family = tmp_path / "search_params" / "individual-family.json"
    text = family.read_text(encoding="utf-8")
    family.write_text(text.replace("Patient.name.family", "Patient.name.prefix"), encoding="utf-8")
    return tmp_path


async def renewed(settings: Settings, type: str) -> list[int]:
    definitions = load_definitions(settings.definitions)
    intake = build_intake(definitions, settings)
    async with open_services(settings, definitions, intake, stale=True) as services:
        return [done async for done in reindex(services.keys, intake, type)]


async def test_a_stale_index_stops_the_start_until_it_is_made_anew(
    serve: Serve, store_url: str, changed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "BATCH", 2)
    name, title = surname(), surname()
    async with serve(store=store_url) as client:
        made = [await create(client, patient(name=[{"family": name, "prefix": [title]}])) for _ in range(5)]
        gone = await create(client, patient(name=[{"family": name, "prefix": [title]}]))
        await client.delete(f"/Patient/{gone['id']}")
    with pytest.raises(StaleIndex, match=r"^Patient: .*`fhir-mpi reindex`"):
        async with serve(store=store_url, definitions=changed):
            raise AssertionError("the server started")
    settings = Settings(store=store_url, definitions=changed)
    assert await renewed(settings, "Patient") == [2, 4, 5]
    async with serve(store=store_url, definitions=changed) as client:
        assert ids(await find(client, f"Patient?family={name}")) == []
        found = ids(await find(client, f"Patient?family={title}"))
        assert sorted(found) == sorted(one["id"] for one in made)
        assert (await client.get(f"/Patient/{made[0]['id']}")).json() == made[0]
    with pytest.raises(StaleIndex):
        async with serve(store=store_url):
            raise AssertionError("the server started")


async def test_a_type_without_resources_follows_its_definitions(
    serve: Serve, store_url: str, changed: Path
) -> None:
    async with serve(store=store_url):
        pass
    async with serve(store=store_url, definitions=changed):
        pass
    async with serve(store=store_url) as client:
        await create(client, patient(active=True))


@pytest.mark.parametrize("number", [0, 2, 4])
async def test_every_batch_is_told_and_the_last_one_is_the_whole(
    serve: Serve, store_url: str, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(freshness, "BATCH", 2)
    async with serve(store=store_url) as client:
        for _ in range(number):
            await create(client, patient(active=True))
    told = await renewed(Settings(store=store_url), "Patient")
    assert told[-1] == number
    assert told == sorted(told)
