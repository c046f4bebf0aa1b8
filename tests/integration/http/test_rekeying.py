"""A changed model re-keys while the old keys serve: nobody is missed at any moment, on both stores."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.interactions import rekeying, upkeep
from fhir_mpi.interactions.freshness import StaleIndex, can_rekey, reindex
from fhir_mpi.interactions.keys import MARK, Keys
from fhir_mpi.interactions.rekeying import Progress, announce, progress, rekey
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import create, update
from fhir_mpi.linkage import model as linkage_model
from fhir_mpi.linkage.blocking import stored_keys
from fhir_mpi.linkage.record import record_of
from fhir_mpi.settings import Settings
from tests.integration.http.exchanges import Json, find, person, send, surname
from tests.integration.http.serving import ROOT, Serve

MODELS = Path(__file__).parents[3] / "fhir_mpi" / "models"
NEW_RULE = {"name": "birth-date-alone", "stored": ["birth-date"]}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The packaged model, with birth dates as its only keys."""
    document = json.loads((MODELS / "patient.json").read_text(encoding="utf-8"))
    path = tmp_path / "other.json"
    path.write_text(json.dumps({**document, "blockingRules": [NEW_RULE]}), encoding="utf-8")
    return path


@asynccontextmanager
async def opened(store: str, model: Path | None = None, **settings: Any) -> AsyncIterator[Services]:
    """A process of its own, as far as the store can tell."""
    given = Settings(store=store, patient_model=model, **settings)
    definitions = load_definitions()
    async with open_services(given, definitions, build_intake(definitions, given)) as services:
        yield services


async def at_once(_: float) -> None:
    """Nobody else is about: there is nothing to wait for."""


async def is_found(services: Services, resource: Json) -> bool:
    """Whether `$match` finds this very record by itself."""
    found = await services.matchers["Patient"].matches(resource)
    return resource["id"] in {match.id for match in found.matches}


async def born(services: Services, **elements: Any) -> Json:
    written = await create(services, "Patient", person(surname(), **elements))
    assert written.version
    return written.version.resource


async def to_the_end(keys: Keys, by: str = "one") -> list[Progress]:
    return [reached async for reached in rekey(keys, "Patient", by, sleep=at_once)]


async def test_old_keys_serve_until_the_new_ones_are_complete(
    store_url: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "BATCH", 2)
    async with opened(store_url) as old:
        people = [await born(old) for _ in range(5)]
    async with opened(store_url, other) as new:
        told = []
        async for reached in rekey(new.keys, "Patient", "one", sleep=at_once):
            told.append((reached.phase, reached.done))
            assert [await is_found(new, one) for one in people] == [True] * len(people)
            people.append(await born(new))
        assert told[:2] == [("adding", 2), ("adding", 4)]
        assert {phase for phase, _ in told} == {"adding", "removing"}
        assert await progress(new.keys) == {}
        assert [await is_found(new, one) for one in people] == [True] * len(people)
        await only_keys_of(new, people)
        assert await to_the_end(new.keys) == []


async def only_keys_of(services: Services, people: list[Json]) -> None:
    """The records have the keys of this process's model, and none of the packaged one."""
    ours, packaged = services.intake.models["Patient"], linkage_model.default_model("Patient")
    for one in people:
        record = record_of(one)
        stale = stored_keys(packaged, record) - stored_keys(ours, record)
        found = await services.store.candidates("Patient", stale, cap=300)
        assert one["id"] not in {row.id for row in found.rows}


async def test_a_process_with_the_old_model_writes_and_finds_by_the_new_keys_too(
    store_url: str, other: Path
) -> None:
    async with opened(store_url) as old:
        first = await born(old)
        async with opened(store_url, other) as new:
            await announce(new.keys, "Patient")
            during = await born(old)  # it looked at the store a moment ago, and does not know yet
            changed = await update(old, "Patient", first["id"], {**first, "active": True})
            assert changed.version
            await to_the_end(new.keys)
            after = await born(old)
            for services in (new, old):
                await services.keys.fresh("Patient")  # as after a second
                for one in (first, during, after):
                    assert await is_found(services, one)


async def test_whoever_comes_next_goes_on_where_another_was_killed(
    store_url: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "BATCH", 1)
    async with opened(store_url) as old:
        people = [await born(old) for _ in range(4)]
    async with opened(store_url, other) as killed:
        async for reached in rekey(killed.keys, "Patient", "killed", sleep=at_once):
            if reached.done == 2:
                break
        assert await progress(killed.keys) == {"Patient": {"phase": "adding", "done": 2, "total": 4}}
    async with opened(store_url, other) as new:
        told = await to_the_end(new.keys, "next")
        assert [reached.done for reached in told if reached.phase == "adding"] == [3, 4, 4]
        assert [await is_found(new, one) for one in people] == [True] * 4


async def test_two_processes_leave_the_work_to_one(
    store_url: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "BATCH", 1)
    async with opened(store_url) as old:
        people = [await born(old) for _ in range(6)]

    async def brief(_: float) -> None:
        await asyncio.sleep(0)

    async def worked(keys: Keys, by: str) -> list[Progress]:
        return [reached async for reached in rekey(keys, "Patient", by, sleep=brief)]

    async with opened(store_url, other) as one, opened(store_url, other) as two:
        await asyncio.gather(worked(one.keys, "one"), worked(two.keys, "two"))
        assert await progress(one.keys) == await progress(two.keys) == {}
        assert [await is_found(two, each) for each in people] == [True] * 6
        await only_keys_of(one, people)


async def test_a_server_does_it_and_says_how_far_it_is(
    serve: Serve, store_url: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(store=store_url) as client:
        jane = person(surname())
        assert (await client.post("/Patient", json=jane)).status_code == 201
    goes_on = asyncio.Event()

    async def waiting(_: float) -> None:
        await goes_on.wait()

    monkeypatch.setattr(upkeep, "sleep", waiting)
    async with serve(store=store_url, patient_model=other) as client:
        ready: Json = {}
        while "rekeying" not in ready:
            ready = (await client.get(f"{ROOT}/readyz")).json()
        assert ready["rekeying"]["Patient"]["total"] == 1
        assert len((await send(client, "POST", "/Patient/$match", jane)).json()["entry"]) == 1
        goes_on.set()
        while "rekeying" in ready:
            await asyncio.sleep(0.05)
            ready = (await client.get(f"{ROOT}/readyz")).json()
        assert len((await send(client, "POST", "/Patient/$match", jane)).json()["entry"]) == 1
        assert await find(client, "Patient")


async def test_what_the_store_refuses_is_tried_again(
    store_url: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "sleep", at_once)
    monkeypatch.setattr(upkeep, "RETRY", 0.0)
    async with opened(store_url) as old:
        await born(old)
    async with opened(store_url, other) as new:
        refuse, replace_index = [True], new.store.replace_index

        async def once_refused(*arguments: Any, **marks: Any) -> None:
            if refuse:
                refuse.clear()
                raise Unavailable("the store is elsewhere")
            await replace_index(*arguments, **marks)

        monkeypatch.setattr(new.store, "replace_index", once_refused)
        async with upkeep.upkeep(new.keys, rekeys=True):
            while not (refuse == [] and await progress(new.keys) == {}):
                await asyncio.sleep(0.05)
                await new.keys.fresh("Patient")


async def test_a_start_refuses_where_a_setting_says_so_or_the_keys_cannot_be_looked_up(
    store_url: str, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(store_url) as old:
        await born(old)
    with pytest.raises(StaleIndex, match=r"^Patient: "):
        async with opened(store_url, other, rekey="refuse"):
            pass
    monkeypatch.setattr(linkage_model, "NORMALISATION_VERSION", "another")
    linkage_model.default_model.cache_clear()
    try:
        with pytest.raises(StaleIndex, match=r"Patient.*another release"):
            async with opened(store_url):
                pass
    finally:
        linkage_model.default_model.cache_clear()


async def test_who_changes_the_model_back_keeps_the_keys_that_serve(store_url: str, other: Path) -> None:
    async with opened(store_url) as old:
        jane = await born(old)
        async with opened(store_url, other) as new:
            await announce(new.keys, "Patient")
            await born(new)
            assert not await can_rekey(old.keys, old.intake, "Organization")
            assert {reached.phase for reached in await to_the_end(old.keys)} == {"removing"}
            assert await is_found(old, jane)
            view = await new.keys.fresh("Patient")
            assert view
            assert view[1].serving.digest == old.intake.models["Patient"].digest


async def test_a_reindex_is_by_the_model_of_the_process(store_url: str, other: Path) -> None:
    async with opened(store_url) as old:
        jane = await born(old)
    async with opened(store_url, other) as new:
        assert [done async for done in reindex(new.keys, new.intake, "Patient")] == [1]
        assert await new.store.mark(MARK + "Patient")
        assert await to_the_end(new.keys) == []
        assert await is_found(new, jane)
