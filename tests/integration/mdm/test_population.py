"""Linking a whole population comes to what linking one record after the other comes to."""

import json
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.app import open_services
from fhir_mpi.batch import linking, workers
from fhir_mpi.batch.bench import Bench
from fhir_mpi.batch.linking import Tally, link_all
from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions import committing
from fhir_mpi.interactions.waiting import link_pending
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.matching import Match
from fhir_mpi.search.filters import Query
from fhir_mpi.search.term import SearchContext
from fhir_mpi.settings import Settings
from fhir_mpi.storage.port import ClaimConflict, Pending, UnitOfWork
from tests.integration.http.serving import NewStoreUrl
from tests.integration.mdm.conftest import compiled
from tests.integration.mdm.states import EID, World, eid, person, possibly

CONTEXT = SearchContext(0, "http://mpi.test/fhir")
LINKING: dict[str, Any] = {"mdm": "match-and-link"}


@contextmanager
def bench(monkeypatch: pytest.MonkeyPatch, url: str, **settings: Any) -> Iterator[ThreadPoolExecutor]:
    """A pool of one worker, a thread of this process."""
    definitions, intake = compiled()
    given = Settings(store=url, **{**LINKING, **settings})
    own = Bench(intake, lambda: open_services(given, definitions, intake, stale=True))
    monkeypatch.setattr(workers, "_own", [own])
    with ThreadPoolExecutor(1) as pool:
        yield pool
        pool.submit(own.close).result()


async def fill(url: str, records: Mapping[str, Resource]) -> None:
    """Stores them as a server does that doesn't link."""
    definitions, intake = compiled()
    async with open_services(Settings(store=url), definitions, intake) as services:
        world = World(services)
        for id, record in records.items():
            await world.put(id, record)


def population(seed: int, number: int) -> dict[str, Resource]:
    """Some people, half of them known twice, once with errors; in any order."""
    rng, names = random.Random(seed), demo_names()
    drawn = list(people(number, seed=seed, names=names))
    records = [one.patient() for one in drawn]
    records += [probe(one, rng, names).patient() for one in drawn[::2]]
    rng.shuffle(records)
    return {f"p{place:03}": {**record, "id": f"p{place:03}"} for place, record in enumerate(records)}


async def found(world: World) -> tuple[list[list[str]], list[tuple[str, ...]], int]:
    """Who is one person, who may be, and how many golden records may be duplicates; whatever the ids."""
    links = await world.links()
    await world.check(links)
    groups: dict[str, list[str]] = {}
    for link in links:
        if link.result == "MATCH":
            groups.setdefault(link.golden, []).append(link.source)
    named = {golden: min(sources) for golden, sources in groups.items()}
    maybe = sorted((link.source, named[link.golden]) for link in links if link.result == "POSSIBLE_MATCH")
    duplicates = sum(link.result == "POSSIBLE_DUPLICATE" for link in links)
    return sorted(sorted(group) for group in groups.values()), list(maybe), duplicates


async def linked_one_by_one(url: str) -> Any:
    definitions, intake = compiled()
    async with open_services(Settings(store=url, **LINKING), definitions, intake) as services:
        sources = [Pending("Patient", s.id, s.version) async for s in services.store.scan("Patient")]
        for source in sources:
            assert await link_pending(services, [source]) == 1
        return await found(World(services))


async def linked_at_once(monkeypatch: pytest.MonkeyPatch, url: str, **given: Any) -> tuple[Tally, Any]:
    definitions, intake = compiled()
    with bench(monkeypatch, url) as pool:
        async with open_services(Settings(store=url, **LINKING), definitions, intake) as services:
            tally = await link_all(services, pool, "Patient", **{"on_progress": lambda _: None, **given})
            assert await services.store.pending_count() == 0
            return tally, await found(World(services))


@pytest.mark.parametrize(("seed", "batch"), [(1, 7), (2, 1), (3, 1000)])
async def test_the_same_people_are_found_whatever_the_size_of_the_batches(
    new_store_url: NewStoreUrl, monkeypatch: pytest.MonkeyPatch, seed: int, batch: int
) -> None:
    records = population(seed, 24)
    slow, quick = new_store_url(), new_store_url()
    await fill(slow, records)
    await fill(quick, records)
    expected = await linked_one_by_one(slow)
    tally, result = await linked_at_once(monkeypatch, quick, batch=batch)
    assert result == expected
    assert tally == Tally(linked=len(records))
    assert len(expected[0]) < len(records)


async def test_golden_records_are_found_by_search_as_others_are(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store_url, {"1": person("a"), "2": person("a"), "3": person("b")})
    await linked_at_once(monkeypatch, store_url)
    definitions, intake = compiled()
    async with open_services(Settings(store=store_url), definitions, intake) as services:
        goldens = await World(services).goldens()
        assert len(goldens) == 2
        for id, golden in goldens.items():
            family = golden["name"][0]["family"]
            pairs = [("family", family), ("_tag", "GOLDEN_RECORD")]
            query = services.intake.search.request("Patient", pairs, context=CONTEXT)
            page = await services.store.search(Query("Patient", query.filter, 9))
            assert [stored.id for stored in page.resources] == [id]


async def test_what_has_links_is_left_as_it_is(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store_url, {"1": person("a"), "2": person("a"), "3": possibly("a")})
    first, state = await linked_at_once(monkeypatch, store_url, batch=2)
    again, same = await linked_at_once(monkeypatch, store_url, batch=2)
    assert (first, again) == (Tally(linked=3), Tally(before=3))
    assert state == same


async def test_two_that_others_give_one_eid_are_one_person_in_one_batch_too(
    store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"eidSystems": {"Patient": EID}}))
    monkeypatch.setenv("FHIR_MPI_MDM_RULES", str(rules))
    await fill(
        store_url,
        {"1": person("a", identifier=[eid("7")]), "2": person("b", identifier=[eid("7")]), "3": person("c")},
    )
    _, (groups, _, _) = await linked_at_once(monkeypatch, store_url)
    assert groups == [["1", "2"], ["3"]]


async def test_pairs_link_in_place_of_a_look_up(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store_url, {"1": person("a"), "2": person("b"), "3": person("c"), "4": person("a")})
    certain = [Match(id, MatchGrade.CERTAIN, 0.995, 0.995, 0.0, ()) for id in "12"]
    perhaps = [Match(id, MatchGrade.PROBABLE, 0.95, 0.95, 0.0, ()) for id in "23"]
    pairs = {"1": [certain[1]], "2": [certain[0], perhaps[1]], "3": [perhaps[0]]}
    _, result = await linked_at_once(monkeypatch, store_url, pairs=pairs)
    assert result == ([["1", "2"], ["4"]], [("3", "1")], 0)


async def test_who_writes_meanwhile_is_met_all_the_same(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store_url, {"1": person("a"), "2": person("b")})
    definitions, intake = compiled()
    planned, written = linking.Line._planned, list[int]()

    async def late(line: Any, batch: Any) -> UnitOfWork:
        work = await planned(line, batch)
        if not written:
            async with open_services(Settings(store=store_url, **LINKING), definitions, intake) as other:
                await World(other).put("3", person("a"))
            written.append(3)
        return work

    monkeypatch.setattr(linking.Line, "_planned", late)
    _, (groups, _, _) = await linked_at_once(monkeypatch, store_url)
    assert groups == [["1", "3"], ["2"]]


async def test_what_others_keep_changing_is_left_to_the_queue(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store_url, {"1": person("a")})

    async def never(*_: Any) -> UnitOfWork:
        raise ClaimConflict("taken")

    monkeypatch.setattr(linking.Line, "_planned", never)
    tally, (groups, _, _) = await linked_at_once(monkeypatch, store_url)
    assert (tally, groups) == (Tally(waiting=1), [["1"]])
    assert committing.ATTEMPTS > 1
