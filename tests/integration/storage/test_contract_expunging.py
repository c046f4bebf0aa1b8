"""The store contract: what is expunged is gone for good, and nothing else is."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from fhir_mpi.search.filters import EVERYTHING, Equals, IndexEntries, Interval
from fhir_mpi.storage.mongo.connection import Connection
from fhir_mpi.storage.port import (
    Changes,
    Claim,
    ClaimConflict,
    Expunge,
    ExpungeKind,
    Store,
    UnitOfWork,
    WriteConflict,
)
from tests.integration.storage.writes import commit, deletion, found, put

DELETED, PREVIOUS, EVERY = ExpungeKind.DELETED, ExpungeKind.PREVIOUS, ExpungeKind.EVERYTHING


async def expunge(
    store: Store, kind: ExpungeKind, limit: int = 100, id: str | None = None, type: str = "Patient"
) -> int:
    return await store.expunge(Expunge(type, kind, limit, id))


async def versions(store: Store, *ids: str, type: str = "Patient") -> list[list[int]]:
    """The versions of each resource, newest first, as every way to ask for them says."""
    told: list[list[int]] = []
    for id in ids:
        history = await store.history(type, id, limit=1000)
        changed = await store.changes(Changes((type,), 1000, id=id))
        told.append([stored.version for stored in history])
        assert [stored.version for stored in changed.resources] == told[-1]
        assert await store.version_count(type, id) == len(told[-1])
        assert (await store.read(type, id) is None) == (not told[-1])
    return told


def traces(store_url: str, *texts: str) -> set[str]:
    """The tables or collections with a row that mentions one of these."""
    if store_url.startswith("sqlite"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as file:
            names = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            rows = {name: str(list(file.execute(f"SELECT * FROM {name}"))) for name in names}  # noqa: S608
    else:
        with MongoClient[dict[str, object]](store_url) as client:
            database = client[urlsplit(store_url).path[1:]]
            rows = {name: str(list(database[name].find())) for name in database.list_collection_names()}
    return {name for name, text in rows.items() if any(each in text for each in texts)}


async def people(store: Store) -> None:
    """`current` in three versions, `gone` in four of which the last is its deletion, `single` in one."""
    for id in ("current", "gone"):
        for expected in range(3):
            index: IndexEntries = {"family": [f"{id}ly"], "birthdate": [Interval(1, 2)]}
            claims = [Claim(f"claim-{id}", f"Patient/{id}", None)] if not expected else []
            write = put(id, index, expected=expected, keys=[7], packed=f"{id}ly", text=f"{id}ly {expected}")
            await store.commit(UnitOfWork([write], claims))
    await commit(store, deletion("gone", expected=3), put("single", {"family": ["x"]}))
    await commit(store, put("gone", {"family": ["other"]}, type="Organization"))


async def test_a_deleted_resource_goes_with_every_trace(store: Store, store_url: str, other: Store) -> None:
    await people(store)
    assert await expunge(store, DELETED) == 4
    assert await versions(other, "gone", "current", "single") == [[], [3, 2, 1], [1]]
    assert await store.read_version("Patient", "gone", 1) is None
    assert await store.heads("Patient", ["gone"]) == {}
    assert [s.id for s in (await store.changes(Changes(("Patient",), 100))).resources].count("gone") == 0
    assert await store.holder("claim-gone") is None
    assert await store.holder("claim-current") == "Patient/current"
    assert await store.population("Patient") == 1
    assert traces(store_url, "gonely", "Patient/gone") == set()
    assert await versions(store, "gone", type="Organization") == [[1]]
    assert await expunge(store, DELETED) == 0


async def test_previous_versions_go_and_current_ones_stay(store: Store, store_url: str) -> None:
    await people(store)
    assert await expunge(store, PREVIOUS) == 5
    assert await versions(store, "gone", "current", "single") == [[4], [3], [1]]
    assert await found(store, Equals("family", "currently")) == {"current"}
    assert len((await store.candidates("Patient", [7], cap=9)).rows) == 1
    assert traces(store_url, "currently 0", "currently 1", "gonely") == set()
    assert await expunge(store, PREVIOUS) == 0


async def test_everything_goes_current_or_not(store: Store, store_url: str) -> None:
    await people(store)
    assert await expunge(store, EVERY) == 8
    assert await versions(store, "gone", "current", "single") == [[], [], []]
    assert await found(store, EVERYTHING) == set()
    assert not (await store.candidates("Patient", [7], cap=9)).rows
    assert await store.population("Patient") == 0
    assert traces(store_url, "currently", "gonely", "Patient/", "single") == set()
    assert await found(store, EVERYTHING, "Organization") == {"gone"}


@pytest.mark.parametrize(
    ("kind", "id", "gone", "left"),
    [
        (DELETED, "gone", 4, [[], [3, 2, 1]]),
        (DELETED, "current", 0, [[4, 3, 2, 1], [3, 2, 1]]),
        (PREVIOUS, "current", 2, [[4, 3, 2, 1], [3]]),
        (PREVIOUS, "gone", 3, [[4], [3, 2, 1]]),
        (PREVIOUS, "never", 0, [[4, 3, 2, 1], [3, 2, 1]]),
        (DELETED, "never", 0, [[4, 3, 2, 1], [3, 2, 1]]),
        (EVERY, "current", 3, [[4, 3, 2, 1], []]),
    ],
)
async def test_one_resource_alone_can_be_meant(
    store: Store, kind: ExpungeKind, id: str, gone: int, left: list[list[int]]
) -> None:
    await people(store)
    await commit(store, put(f"{id}-2"), put(f"{id}-2", type="Organization"))
    await commit(store, deletion(f"{id}-2", expected=1))
    assert await expunge(store, kind, id=id) == gone
    assert await versions(store, "gone", "current") == left
    assert await versions(store, f"{id}-2") == [[2, 1]]


async def test_a_limit_takes_the_oldest_versions_and_leaves_the_rest_whole(store: Store) -> None:
    await people(store)
    for left in ([4, 3, 2], [4, 3], [4], []):
        assert await expunge(store, DELETED, 1) == 1
        assert await versions(store, "gone") == [left]
    assert await expunge(store, PREVIOUS, 1, "current") == 1
    assert await versions(store, "current") == [[3, 2]]
    assert await expunge(store, EVERY, 1, "current") == 1
    assert await versions(store, "current") == [[3]]
    assert await found(store, Equals("family", "currently")) == {"current"}


async def test_a_limit_counts_over_all_resources(store: Store) -> None:
    await commit(store, *(put(f"p{n}") for n in range(6)))
    await commit(store, *(deletion(f"p{n}", expected=1) for n in range(6)))
    assert await expunge(store, DELETED, 5) == 5
    left = await versions(store, *(f"p{n}" for n in range(6)))
    assert sorted(left) == [[], [], [2], [2, 1], [2, 1], [2, 1]]
    assert await expunge(store, PREVIOUS, 2) == 2
    assert await expunge(store, DELETED, 50) == 5
    assert await expunge(store, DELETED, 50) == 0


async def test_many_go_at_once(store: Store) -> None:
    """More than one transaction of the MongoDB store holds."""
    await commit(store, *(put(f"p{n}", {"family": ["x"]}) for n in range(620)))
    await commit(store, *(put(f"p{n}", {"family": ["x"]}, expected=1) for n in range(600)))
    await commit(store, *(deletion(f"p{n}", expected=2) for n in range(550)))
    assert await expunge(store, PREVIOUS, 590) == 590
    assert await expunge(store, PREVIOUS, 5000) == 1150 - 590
    assert await expunge(store, DELETED, 5000) == 550
    assert await found(store, EVERYTHING) == {f"p{n}" for n in range(550, 620)}


async def test_an_id_can_be_given_again_and_begins_anew(store: Store, store_url: str) -> None:
    await people(store)
    await expunge(store, DELETED)
    with pytest.raises(WriteConflict) as conflict:
        await commit(store, put("gone", expected=4))
    assert conflict.value.found == 0
    again = put("gone", {"family": ["anew"]}, keys=[7], packed="anew")
    await store.commit(UnitOfWork([again], [Claim("claim-gone", "Patient/gone", None)]))
    assert await versions(store, "gone") == [[1]]
    assert await found(store, Equals("family", "anew")) == {"gone"}
    assert await found(store, Equals("family", "gonely")) == set()
    assert len((await store.candidates("Patient", [7], cap=9)).rows) == 2
    assert traces(store_url, "gonely") == set()


async def test_ids_that_begin_alike_are_kept_apart(store: Store) -> None:
    for id in ("a", "a-b", "a.b", "a0", "ab"):
        await commit(store, put(id))
        await commit(store, deletion(id, expected=1))
    assert await expunge(store, DELETED, 3) == 3
    assert sorted(map(len, await versions(store, "a", "a-b", "a.b", "a0", "ab"))) == [0, 1, 2, 2, 2]
    assert await expunge(store, DELETED, id="ab") in (1, 2)
    assert await expunge(store, DELETED) >= 4
    assert await versions(store, "a", "a-b", "a.b", "a0", "ab") == [[]] * 5


async def test_writers_that_restore_and_expungers_never_leave_a_half(store: Store, other: Store) -> None:
    """Each round a resource is deleted; then one writer puts it back while another process expunges it."""
    for round in range(12):
        await _replace(store, delete=True)
        await asyncio.gather(_replace(store), expunge(other, DELETED), expunge(other, PREVIOUS))
        current = await store.read("Patient", "a")
        assert current is not None, round
        assert not current.deleted
        ((newest, *_),) = await versions(other, "a")
        assert newest == current.version
        assert await found(other, Equals("family", "a")) == {"a"}
        assert len((await other.candidates("Patient", [1], cap=9)).rows) == 1
        assert await store.holder("k") == "Patient/a"


async def _replace(store: Store, *, delete: bool = False) -> None:
    """A PUT on top of whatever is there, and a deletion after it."""
    while True:
        head = (await store.heads("Patient", ["a"])).get("a")
        expected, holder = head.version if head else 0, await store.holder("k")
        write = put("a", {"family": ["a"]}, expected=expected, keys=[1], packed="a")
        try:
            await store.commit(UnitOfWork([write], [Claim("k", "Patient/a", holder)]))
            if delete:
                await commit(store, deletion("a", expected=expected + 1))
            return
        except (WriteConflict, ClaimConflict):
            continue


@pytest.mark.mongo
@pytest.mark.parametrize("store_url", ["mongo"], indirect=True)
async def test_what_others_make_current_after_a_look_stays(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In MongoDB a look comes before the transaction; SQLite has no time in between."""
    await commit(store, put("a"))
    await commit(store, deletion("a", expected=1))
    plain = Connection.transaction

    async def restored(*given: Any, **more: Any) -> None:
        monkeypatch.setattr(Connection, "transaction", plain)
        await commit(other, put("a", expected=2))
        await plain(*given, **more)

    async def begun_anew(*given: Any, **more: Any) -> None:
        monkeypatch.setattr(Connection, "transaction", plain)
        await expunge(other, EVERY)
        await commit(other, put("a"))
        await plain(*given, **more)

    monkeypatch.setattr(Connection, "transaction", restored)
    assert await expunge(store, DELETED) == 0
    assert await versions(store, "a") == [[3, 2, 1]]
    monkeypatch.setattr(Connection, "transaction", begun_anew)
    assert await expunge(store, PREVIOUS) == 0
    assert await versions(store, "a") == [[1]]
