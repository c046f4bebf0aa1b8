"""The store contract: scanning, re-indexing, carrying over to another store, and marks."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from fhir_mpi.search.filters import EVERYTHING, Equals, IndexEntries, Interval, Within
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import CandidateEntry, Store, Stored, Write, WriteConflict
from tests.integration.storage.writes import commit, deletion, found, put, same


async def test_a_scan_meets_every_current_resource_of_the_type_once(store: Store) -> None:
    await commit(store, *(put(f"p{n:04}", note=n) for n in range(1203)), put("o", type="Organization"))
    await commit(store, put("p0001", expected=1, note="new"), deletion("p0002", expected=1))
    scanned = [stored async for stored in store.scan("Patient")]
    assert sorted(s.id for s in scanned) == [f"p{n:04}" for n in range(1203) if n != 2]
    assert [s.resource["note"] for s in scanned if s.id == "p0001"] == ["new"]
    again = [stored.id async for stored in store.scan("Patient")]
    assert again == [s.id for s in scanned]


async def test_a_scan_with_history_meets_every_version_oldest_first(store: Store) -> None:
    first, second, gone = put("a"), put("a", expected=1, note=2), deletion("a", expected=2)
    other = put("b")
    for write in (first, other, second, gone):
        await commit(store, write)
    scanned = [stored async for stored in store.scan("Patient", history=True)]
    assert [s.version for s in scanned if s.id == "a"] == [1, 2, 3]
    expected = {("a", 1): first, ("a", 2): second, ("a", 3): gone, ("b", 1): other}
    assert len(scanned) == 4
    assert all(same(s, expected[s.id, s.version].version) for s in scanned)


async def test_writing_goes_on_during_a_scan(store: Store) -> None:
    await commit(store, *(put(f"p{n:03}") for n in range(300)))
    seen = []
    async for stored in store.scan("Patient"):
        seen.append(stored.id)
        if len(seen) % 100 == 0:
            await commit(store, put(stored.id, expected=1), put(f"new{len(seen)}"))
    assert len(seen) == len(set(seen))
    assert set(seen) >= {f"p{n:03}" for n in range(300)}


async def test_replaced_index_entries_take_effect_without_a_new_version(store: Store) -> None:
    await commit(store, put("a", {"family": ["old"]}), put("b", {"family": ["old"]}))
    new: IndexEntries = {"family": ["new"], "birthdate": [Interval(1.0, 2.0)]}
    await store.replace_index("Patient", {"a": (1, new, None)})
    assert await found(store, Equals("family", "old")) == {"b"}
    assert await found(store, Equals("family", "new")) == {"a"}
    assert await found(store, Within("birthdate", low_from=1.0)) == {"a"}
    assert [s.version for s in await store.history("Patient", "a", limit=9)] == [1]


async def test_a_resource_that_moved_on_keeps_the_index_of_its_writer(store: Store) -> None:
    await commit(store, put("a", {"family": ["one"]}), put("gone"), put("b"))
    await commit(store, put("a", {"family": ["two"]}, expected=1, keys=[2]), deletion("gone", expected=1))
    stale = CandidateEntry(frozenset({1}), "stale")
    entries = {id: (1, {"family": ["stale"]}, stale) for id in ("a", "gone", "never")}
    await store.replace_index("Patient", {**entries, "b": (1, {"family": ["fresh"]}, None)})
    assert await found(store, Equals("family", "two")) == {"a"}
    assert await found(store, Equals("family", "stale")) == set()
    assert await found(store, Equals("family", "fresh")) == {"b"}
    assert not (await store.candidates("Patient", [1], cap=9)).rows
    assert await store.population("Patient") == 1


async def test_a_deletion_gets_no_index_entries_again(store: Store) -> None:
    await commit(store, put("a", keys=[1]))
    await commit(store, deletion("a", expected=1))
    await store.replace_index("Patient", {"a": (2, {"family": ["x"]}, CandidateEntry(frozenset({1}), ""))})
    assert await found(store, Equals("family", "x")) == set()
    assert not (await store.candidates("Patient", [1], cap=9)).rows


def _versions() -> list[Write]:
    return [
        put("a", note=1),
        put("a", {"family": ["x"]}, expected=1, keys=[5], packed="A"),
        put("b", {"family": ["x"]}),
        put("gone"),
        deletion("gone", expected=1),
        replace(put("c", {"family": ["y"]}, expected=2), expected=2),
    ]


async def test_imported_versions_are_as_they_were(store: Store) -> None:
    versions = _versions()
    await store.import_versions(versions)
    for write in versions:
        read = await store.read_version(write.version.type, write.version.id, write.version.version)
        assert same(read, write.version)
    assert await found(store, EVERYTHING) == {"a", "b", "c"}
    assert await found(store, Equals("family", "x")) == {"a", "b"}
    assert [row.id for row in (await store.candidates("Patient", [5], cap=9)).rows] == ["a"]
    assert [s.version for s in await store.history("Patient", "a", limit=9)] == [2, 1]
    await commit(store, put("a", expected=2), put("gone", expected=2))


async def test_an_import_that_is_run_again_changes_nothing(store: Store) -> None:
    await store.import_versions(_versions())
    await store.import_versions(_versions())
    assert [s.version for s in await store.history("Patient", "a", limit=9)] == [2, 1]
    assert await found(store, Equals("family", "x")) == {"a", "b"}
    assert await store.population("Patient") == 1


async def test_an_import_goes_on_where_an_earlier_one_stopped(store: Store) -> None:
    versions = _versions()
    await store.import_versions(versions[:1])
    await store.import_versions(versions)
    read = await store.read("Patient", "a")
    assert same(read, versions[1].version)
    assert [s.version for s in await store.history("Patient", "a", limit=9)] == [2, 1]
    assert await found(store, Equals("family", "x")) == {"a", "b"}


async def test_an_import_of_other_content_is_refused_whole(store: Store) -> None:
    await store.import_versions(_versions())
    with pytest.raises(WriteConflict) as refused:
        await store.import_versions([put("new"), put("a", note="other")])
    assert refused.value.id == "a"
    assert await store.read("Patient", "new") is None
    with pytest.raises(WriteConflict):
        await store.import_versions([put("a", expected=1, note="other")])


async def test_a_whole_store_is_carried_to_another_and_back(store: Store, tmp_path: Path) -> None:
    for write in _versions()[:5]:
        await commit(store, write)
    other = await open_store(f"sqlite:///{tmp_path / 'other.sqlite'}", types=["Patient"])
    try:
        carried = await _everything(store)
        await other.import_versions([Write(s, s.version - 1, {}) for s in carried])
        returned = await _everything(other)
    finally:
        await other.close()
    assert len(carried) == len(returned) == 5
    assert all(same(one, two) for one, two in zip(carried, returned, strict=True))


async def test_a_mark_is_set_only_from_what_it_is_expected_to_be(store: Store) -> None:
    assert await store.mark("model") is None
    assert not await store.set_mark("model", "x", expected="y")
    assert await store.set_mark("model", "one", expected=None)
    assert not await store.set_mark("model", "two", expected=None)
    assert not await store.set_mark("model", "two", expected="other")
    assert await store.mark("model") == "one"
    assert await store.set_mark("model", "two", expected="one")
    assert (await store.mark("model"), await store.mark("other")) == ("two", None)


@pytest.mark.parametrize("before", [None, "old"])
async def test_of_many_that_set_a_mark_one_does(store: Store, before: str | None) -> None:
    if before is not None:
        await store.set_mark("model", before, expected=None)
    attempts = [store.set_mark("model", f"v{n}", expected=before) for n in range(30)]
    outcomes = await asyncio.gather(*attempts)
    assert outcomes.count(True) == 1
    assert await store.mark("model") == f"v{outcomes.index(True)}"


async def test_a_store_that_can_serve_has_no_problems(store: Store) -> None:
    assert list(await store.problems()) == []


async def _everything(store: Store) -> list[Stored]:
    return sorted(
        [stored async for stored in store.scan("Patient", history=True)], key=lambda s: (s.id, s.version)
    )
