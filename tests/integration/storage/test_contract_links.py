"""The store contract: links are compared and set with the unit of work, found, kept in every version."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkField, LinkQuery, LinkSort
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import (
    Claim,
    ClaimConflict,
    Expunge,
    ExpungeKind,
    LinkConflict,
    Pending,
    Store,
    UnitOfWork,
    WriteConflict,
)
from fhir_mpi.storage.sqlite import SqliteStore
from tests.integration.storage.writes import at, put

MATCH, POSSIBLE, NO_MATCH = MatchResult.MATCH, MatchResult.POSSIBLE_MATCH, MatchResult.NO_MATCH
AUTO, MANUAL = LinkSource.AUTO, LinkSource.MANUAL
ANY = LinkQuery(("Patient", "Organization"))


def link(golden: str, source: str, result: MatchResult = MATCH, version: int = 1, **more: Any) -> Link:
    known = {"type": "Patient", "link_source": AUTO, "created": at(1), "updated": at(version)}
    return Link(**{**known, "golden": golden, "source": source, "result": result, "version": version, **more})


async def linked(store: Store, *links: Link) -> None:
    await store.commit(UnitOfWork((), links=links))


async def pairs(store: Store, query: LinkQuery = ANY) -> list[str]:
    """`golden<source` of each link, in order; as many as are counted where the query has no page."""
    found = [f"{each.golden}<{each.source}" for each in await store.links(query)]
    assert await store.link_count(query) == len(await store.links(replace(query, limit=None, offset=0)))
    return found


async def test_a_link_is_as_it_was_written(store: Store, other: Store) -> None:
    full = link("g", "s", POSSIBLE, score=0.75, eid_match=True, made_golden=True, explanation='{"a":1}')
    plain = link("g", "t", link_source=MANUAL, type="Organization")
    await linked(store, full, plain)
    assert set(await other.links(ANY)) == {full, plain}


async def test_a_link_takes_the_version_after_the_current_one_or_nothing_happens(store: Store) -> None:
    await linked(store, link("g", "s"))
    for stale in (link("g", "s"), link("g", "s", version=3), link("g", "never", version=2)):
        with pytest.raises(LinkConflict) as refused:
            await store.commit(
                UnitOfWork([put("a")], [Claim("k", "Patient/a", None)], [link("x", "y"), stale])
            )
        assert refused.value.pair == stale.pair
    assert await store.read("Patient", "a") is None
    assert await store.holder("k") is None
    assert await pairs(store) == ["g<s"]
    await linked(store, link("g", "s", NO_MATCH, version=2))
    assert [each.result for each in await store.links(ANY)] == [NO_MATCH]


async def test_no_link_is_made_where_a_write_or_a_claim_conflicts(store: Store) -> None:
    await store.commit(UnitOfWork((), [Claim("held", "Patient/b", None)]))
    with pytest.raises(WriteConflict):
        await store.commit(UnitOfWork([put("a", expected=3)], links=[link("g", "s")]))
    with pytest.raises(ClaimConflict):
        await store.commit(UnitOfWork((), [Claim("held", "Patient/a", None)], [link("g", "s")]))
    assert await pairs(store) == []


async def test_of_many_that_make_the_same_link_one_does(store: Store, other: Store) -> None:
    async def attempt(number: int) -> bool:
        try:
            await linked((store, other)[number % 2], link("g", "s", score=float(number)))
        except LinkConflict:
            return False
        return True

    outcomes = await asyncio.gather(*(attempt(number) for number in range(20)))
    assert outcomes.count(True) == 1
    assert [each.score for each in await store.links(ANY)] == [float(outcomes.index(True))]


async def several(store: Store) -> None:
    await linked(
        store,
        link("g1", "a", score=0.5, created=at(5)),
        link("g1", "b", POSSIBLE, score=0.9, created=at(4)),
        link("g2", "b", NO_MATCH, link_source=MANUAL, created=at(3)),
        link("g2", "c", score=0.7, eid_match=True, created=at(2)),
        link("g2", "g1", MatchResult.POSSIBLE_DUPLICATE, created=at(1)),
        link("o", "p", type="Organization", score=0.5, made_golden=True),
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"g1<a", "g1<b", "g2<b", "g2<c", "g2<g1", "o<p"}),
        ({"types": ["Organization"]}, {"o<p"}),
        ({"types": []}, set()),
        ({"goldens": ["g1"]}, {"g1<a", "g1<b"}),
        ({"sources": ["b", "c"]}, {"g1<b", "g2<b", "g2<c"}),
        ({"goldens": ["g2", "x"], "sources": ["b"]}, {"g2<b"}),
        ({"goldens": []}, set()),
        ({"results": [MATCH]}, {"g1<a", "g2<c", "o<p"}),
        ({"results": [POSSIBLE, NO_MATCH], "sources": ["b"]}, {"g1<b", "g2<b"}),
        ({"results": []}, set()),
        ({"link_source": MANUAL}, {"g2<b"}),
        ({"link_source": AUTO, "goldens": ["g2"], "results": [MATCH]}, {"g2<c"}),
        ({"goldens": ["p"], "types": ["Patient"]}, set()),
    ],
)
async def test_links_are_found_by_what_they_say(
    store: Store, asked: Mapping[str, Any], expected: set[str]
) -> None:
    await several(store)
    assert set(await pairs(store, replace(ANY, **asked))) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ([], ["g1<a", "g1<b", "g2<b", "g2<c", "g2<g1"]),
        ([LinkSort(LinkField.CREATED)], ["g2<g1", "g2<c", "g2<b", "g1<b", "g1<a"]),
        ([LinkSort(LinkField.SCORE)], ["g1<a", "g2<c", "g1<b", "g2<b", "g2<g1"]),
        ([LinkSort(LinkField.SCORE, descending=True)], ["g1<b", "g2<c", "g1<a", "g2<b", "g2<g1"]),
        (
            [LinkSort(LinkField.RESULT, descending=True), LinkSort(LinkField.CREATED)],
            ["g1<b", "g2<g1", "g2<b", "g2<c", "g1<a"],
        ),
        ([LinkSort(LinkField.SOURCE), LinkSort(LinkField.GOLDEN)], ["g1<a", "g1<b", "g2<b", "g2<c", "g2<g1"]),
        ([LinkSort(LinkField.EID_MATCH, descending=True)], ["g2<c", "g1<a", "g1<b", "g2<b", "g2<g1"]),
        ([LinkSort(LinkField.LINK_SOURCE, descending=True)], ["g2<b", "g1<a", "g1<b", "g2<c", "g2<g1"]),
    ],
)
async def test_links_are_sorted_and_paged(
    store: Store, sort: Sequence[LinkSort], expected: list[str]
) -> None:
    await several(store)
    query = LinkQuery(("Patient",), sort=sort)
    assert await pairs(store, query) == expected
    read = [await pairs(store, replace(query, limit=2, offset=offset)) for offset in (0, 2, 4, 6)]
    assert read == [expected[:2], expected[2:4], expected[4:], []]
    assert await pairs(store, replace(query, limit=0)) == []


@pytest.mark.parametrize("field", LinkField)
async def test_links_can_be_sorted_by_every_field(store: Store, field: LinkField) -> None:
    await several(store)
    assert len(await pairs(store, LinkQuery(("Patient",), sort=[LinkSort(field)]))) == 5


async def test_a_removed_link_is_found_only_where_it_is_asked_for(store: Store) -> None:
    await linked(store, link("g", "s"), link("g", "t"))
    await linked(store, link("g", "s", version=2, removed=True))
    assert await pairs(store) == ["g<t"]
    assert await pairs(store, replace(ANY, removed=True)) == ["g<s", "g<t"]
    assert [each.source async for each in store.scan_links("Patient")] == ["t"]
    await linked(store, link("g", "s", POSSIBLE, version=3))
    assert await pairs(store) == ["g<s", "g<t"]


async def test_every_version_of_a_link_is_kept(store: Store) -> None:
    first, second = link("g", "s", POSSIBLE), link("g", "s", NO_MATCH, version=2, link_source=MANUAL)
    gone = link("g", "s", NO_MATCH, version=3, removed=True)
    beside = link("g2", "s", updated=at(9))
    for written in (first, second, gone, beside, link("other", "x"), link("g", "s", type="Organization")):
        await linked(store, written)
    assert await store.link_history("Patient", goldens=["g"]) == [gone, second, first]
    assert await store.link_history("Patient", sources=["s"]) == [beside, gone, second, first]
    assert await store.link_history("Patient", goldens=["g"], sources=["s"]) == [beside, gone, second, first]
    assert await store.link_history("Patient") == []
    every = [each async for each in store.scan_links("Patient", history=True)]
    assert every == [first, second, gone, beside, link("other", "x")]


async def test_a_scan_meets_every_link_of_the_type_once(store: Store) -> None:
    await linked(store, *(link(f"g{n % 7}", f"s{n:04}") for n in range(1203)))
    await linked(store, *(link(f"g{n % 7}", f"s{n:04}", version=2) for n in range(600)))
    current = [each async for each in store.scan_links("Patient")]
    assert len({each.pair for each in current}) == len(current) == 1203
    assert [each.pair for each in current] == sorted(each.pair for each in current)
    every = [each async for each in store.scan_links("Patient", history=True)]
    assert len(set(every)) == len(every) == 1803
    assert [(e.pair, e.version) for e in every] == sorted((e.pair, e.version) for e in every)


async def test_links_are_carried_to_another_store_as_often_as_one_likes(store: Store, tmp_path: Path) -> None:
    await several(store)
    await linked(store, link("g1", "a", NO_MATCH, version=2), link("g2", "c", version=2, removed=True))
    other = await open_store(f"sqlite:///{tmp_path / 'other.sqlite'}", types=["Patient", "Organization"])
    try:
        carried = [each async for each in store.scan_links("Patient", history=True)]
        await other.import_links(carried[:3])
        for _ in range(2):
            await other.import_links(carried)
        assert [each async for each in other.scan_links("Patient", history=True)] == carried
        assert set(await other.links(LinkQuery(("Patient",)))) == set(
            await store.links(LinkQuery(("Patient",)))
        )
        await linked(store, *[link("back", each.source) for each in carried[:1]])
        await store.import_links([each async for each in other.scan_links("Patient", history=True)])
    finally:
        await other.close()


async def test_a_newer_link_stays_where_older_versions_are_carried_over(store: Store) -> None:
    await store.import_links([link("g", "s", version=3)])
    await store.import_links([link("g", "s"), link("g", "s", version=2)])
    assert [each.version for each in await store.links(ANY)] == [3]
    assert [each.version for each in await store.link_history("Patient", goldens=["g"])] == [3, 2, 1]


@pytest.mark.parametrize("version", [1, 2])
async def test_links_that_differ_are_not_carried_over(store: Store, version: int) -> None:
    await linked(store, link("g", "s"))
    await linked(store, link("g", "s", version=2))
    with pytest.raises(LinkConflict):
        await store.import_links([link("x", "y"), link("g", "s", NO_MATCH, version=version)])
    assert await pairs(store) == ["g<s"]


async def test_what_is_expunged_loses_its_links_and_its_place_in_the_queue(store: Store) -> None:
    await store.commit(
        UnitOfWork(
            [put("g"), put("s"), put("t")],
            links=[link("g", "s"), link("g", "t"), link("h", "t"), link("g", "s", type="Organization")],
            pending=[Pending("Patient", "s", 1), Pending("Patient", "t", 1)],
        )
    )
    await linked(store, link("g", "s", version=2))
    await store.expunge(Expunge("Patient", ExpungeKind.EVERYTHING, 10, id="s"))
    assert await pairs(store, LinkQuery(("Patient",))) == ["g<t", "h<t"]
    assert await store.link_history("Patient", sources=["s"]) == []
    assert await store.pending(limit=9) == [Pending("Patient", "t", 1)]
    await store.expunge(Expunge("Patient", ExpungeKind.EVERYTHING, 10, id="g"))
    assert set(await pairs(store)) == {"g<s", "h<t"}


async def test_what_waits_is_told_in_the_order_of_its_coming_and_leaves_when_it_is_settled(
    store: Store,
) -> None:
    for id in "abc":
        await store.commit(UnitOfWork([put(id)], pending=[Pending("Patient", id, 1)]))
    await store.commit(UnitOfWork([put("a", expected=1)], pending=[Pending("Patient", "a", 2)]))
    assert await store.pending(limit=2) == [Pending("Patient", "a", 2), Pending("Patient", "b", 1)]
    assert await store.pending_count() == 3
    await store.commit(UnitOfWork((), settled=[Pending("Patient", "a", 1), Pending("Patient", "b", 1)]))
    assert await store.pending(limit=9) == [Pending("Patient", "a", 2), Pending("Patient", "c", 1)]
    await store.commit(UnitOfWork((), settled=[Pending("Patient", "a", 2), Pending("Patient", "x", 1)]))
    assert [each.id for each in await store.pending(limit=9)] == ["c"]


async def test_nothing_waits_or_is_settled_where_the_unit_of_work_fails(store: Store) -> None:
    await store.commit(UnitOfWork([put("a")], pending=[Pending("Patient", "a", 1)]))
    with pytest.raises(WriteConflict):
        await store.commit(
            UnitOfWork([put("a")], pending=[Pending("Patient", "b", 1)], settled=[Pending("Patient", "a", 1)])
        )
    assert [each.id for each in await store.pending(limit=9)] == ["a"]


async def test_a_file_that_was_made_before_there_were_links_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    await (await SqliteStore.open(str(path), types=["Patient"], timeout=5.0)).close()
    with closing(sqlite3.connect(path)) as connection:
        for table in ("link", "link_history", "pending"):
            connection.execute(f"DROP TABLE {table}")
    store = await SqliteStore.open(str(path), types=["Patient"], timeout=5.0)
    await linked(store, link("g", "s"))
    assert [each.source async for each in store.scan_links("Patient")] == ["s"]
    await store.close()
