"""The store contract: candidates by blocking key, each once, capped whole and said so."""

import pytest

from fhir_mpi.mdm.ports import CandidateSet
from fhir_mpi.search.filters import EVERYTHING, And, Equals, Filter, Or
from fhir_mpi.storage.port import CandidateEntry, MarkMoved, Store, UnitOfWork
from tests.integration.storage.writes import commit, deletion, found, put

LEAST, MOST = -(2**63), 2**63 - 1


def _rows(found: CandidateSet) -> list[tuple[str, str]]:
    return sorted((row.id, row.packed) for row in found.rows)


async def test_candidates_share_a_key_and_come_once(store: Store) -> None:
    await commit(
        store,
        put("a", keys=[1, 2, 3], packed="A"),
        put("b", keys=[3, LEAST], packed="B|ü"),
        put("c", keys=[MOST], packed="C"),
        put("d", keys=[9], packed="D"),
        put("without"),
    )
    assert _rows(await store.candidates("Patient", [1, 2, 3], cap=300)) == [("a", "A"), ("b", "B|ü")]
    assert _rows(await store.candidates("Patient", [LEAST, MOST], cap=300)) == [("b", "B|ü"), ("c", "C")]
    assert _rows(await store.candidates("Patient", [3, 3, 3], cap=300)) == [("a", "A"), ("b", "B|ü")]
    assert await store.candidates("Patient", [0, 4, -9], cap=300) == CandidateSet([], frozenset())
    assert not (await store.candidates("Patient", [], cap=300)).rows


async def test_a_key_over_the_cap_is_skipped_whole_and_named(store: Store) -> None:
    await commit(store, *(put(f"p{n}", keys=[5, 100 + n], packed=str(n)) for n in range(4)))
    at_cap = await store.candidates("Patient", [5], cap=4)
    assert (len(at_cap.rows), at_cap.skipped) == (4, frozenset())
    over = await store.candidates("Patient", [5, 102, 7], cap=3)
    assert (_rows(over), over.skipped) == ([("p2", "2")], frozenset({5}))


async def test_keys_of_another_type_are_another_index(store: Store) -> None:
    await commit(store, put("a", keys=[1], packed="patient"))
    many = [put(f"o{n}", type="Organization", keys=[1], packed="o") for n in range(5)]
    await commit(store, put("a", type="Organization", keys=[2], packed="organization"), *many)
    patients = await store.candidates("Patient", [1, 2], cap=3)
    assert (_rows(patients), patients.skipped) == ([("a", "patient")], frozenset())
    organizations = await store.candidates("Organization", [1, 2], cap=5)
    assert len(organizations.rows) == 6
    assert await store.population("Patient") == 1
    assert await store.population("Organization") == 6


async def test_a_new_version_brings_its_own_keys(store: Store) -> None:
    await commit(store, put("a", keys=[1, 2], packed="old"))
    await commit(store, put("a", expected=1, keys=[2, 3], packed="new"))
    assert not (await store.candidates("Patient", [1], cap=9)).rows
    assert _rows(await store.candidates("Patient", [1, 2, 3], cap=9)) == [("a", "new")]
    await commit(store, put("a", expected=2))
    assert not (await store.candidates("Patient", [1, 2, 3], cap=9)).rows
    assert await store.population("Patient") == 0


async def test_candidate_records_are_found_by_id_too(store: Store) -> None:
    await commit(store, put("a", keys=[1], packed="A"), put("b"), put("c", keys=[2], packed="C"))
    await commit(store, put("a", type="Organization", keys=[1], packed="O"))
    rows = await store.candidate_records("Patient", ["c", "a", "a", "b", "missing"])
    assert sorted((row.id, row.packed) for row in rows) == [("a", "A"), ("c", "C")]
    assert not await store.candidate_records("Patient", [])


async def test_candidates_are_found_by_a_search_too(store: Store) -> None:
    named = {"family": ["doe"], "active": ["=true"]}
    await commit(
        store,
        put("c", named, keys=[1], packed="C"),
        put("a", named, keys=[2], packed="A"),
        put("b", {"family": ["doe"]}, keys=[3], packed="B"),
        put("d", {"family": ["roe"]}, keys=[4], packed="D"),
        put("without", named),
        put("o", named, type="Organization", keys=[1], packed="O"),
    )
    doe, active = Equals("family", "doe"), Equals("active", "=true")

    async def rows_of(filter: Filter, limit: int = 9) -> list[tuple[str, str]]:
        rows = await store.filtered_candidates("Patient", filter, limit=limit)
        return [(row.id, row.packed) for row in rows]

    assert await rows_of(doe) == [("a", "A"), ("b", "B"), ("c", "C")]
    assert await rows_of(And((doe, active))) == [("a", "A"), ("c", "C")]
    assert await rows_of(Or((active, Equals("family", "roe")))) == [("a", "A"), ("c", "C"), ("d", "D")]
    assert await rows_of(EVERYTHING, limit=2) == [("a", "A"), ("b", "B")]
    assert await rows_of(Equals("family", "poe")) == []
    await commit(store, deletion("a", expected=1))
    assert await rows_of(And((doe, active))) == [("c", "C")]


async def test_the_population_counts_candidate_records(store: Store) -> None:
    assert await store.population("Patient") == 0
    await commit(store, *(put(f"p{n}", keys=[n]) for n in range(3)), put("without"))
    await commit(store, put("keyless", packed="found by nobody"))
    assert await store.population("Patient") == 4
    await commit(store, deletion("p0", expected=1))
    assert await store.population("Patient") == 3


async def test_replaced_keys_are_found_and_the_old_ones_are_not(store: Store) -> None:
    await commit(store, put("a", keys=[1], packed="old"), put("b", keys=[1], packed="kept"))
    entry = CandidateEntry(frozenset({2}), "new")
    await store.replace_index("Patient", {"a": (1, {}, entry)})
    assert _rows(await store.candidates("Patient", [1], cap=9)) == [("b", "kept")]
    assert _rows(await store.candidates("Patient", [2], cap=9)) == [("a", "new")]


async def test_candidates_can_be_replaced_alone(store: Store) -> None:
    await commit(
        store, put("a", {"family": ["rivera"]}, keys=[1], packed="old"), put("b", keys=[1], packed="b")
    )
    await store.replace_index(
        "Patient", {"a": (1, None, CandidateEntry(frozenset({2}), "new")), "b": (1, None, None)}
    )
    assert _rows(await store.candidates("Patient", [1, 2], cap=9)) == [("a", "new")]
    assert await found(store, Equals("family", "rivera")) == {"a"}
    assert await store.population("Patient") == 1
    await store.replace_index("Patient", {"a": (7, None, CandidateEntry(frozenset({3}), "late"))})
    assert not (await store.candidates("Patient", [3], cap=9)).rows


async def test_nothing_is_written_where_a_mark_does_not_stand_as_it_is_said(store: Store) -> None:
    await store.set_mark("keys", "old", expected=None)
    await store.commit(UnitOfWork([put("a", keys=[1], packed="A")], marks={"keys": "old"}))
    await store.set_mark("keys", "new", expected="old")
    for marks in ({"keys": "old"}, {"keys": "new", "absent": "x"}):
        with pytest.raises(MarkMoved):
            await store.commit(UnitOfWork([put("b", keys=[1], packed="B")], marks=marks))
        with pytest.raises(MarkMoved):
            await store.replace_index(
                "Patient", {"a": (1, None, CandidateEntry(frozenset({2}), "A"))}, marks=marks
            )
    assert _rows(await store.candidates("Patient", [1, 2], cap=9)) == [("a", "A")]
    assert await store.read("Patient", "b") is None


async def test_a_scan_goes_on_behind_a_resource(store: Store) -> None:
    await commit(store, *(put(f"p{n}") for n in range(5)))
    await commit(store, put("p2", expected=1))
    everything = [stored.id async for stored in store.scan("Patient")]
    rest = [stored.id async for stored in store.scan("Patient", after=everything[2])]
    assert rest == everything[3:]
    assert [stored.id async for stored in store.scan("Patient", after=everything[-1])] == []
    versions = [(s.id, s.version) async for s in store.scan("Patient", history=True, after=everything[2])]
    assert versions == [(id, 1) for id in everything[3:]]
