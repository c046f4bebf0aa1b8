"""The store contract: reviews are compared and set, found by who has them, and kept in every version."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkQuery, ReviewConflict, ReviewQuery
from fhir_mpi.mdm.review import (
    BUCKETS,
    MOST_SAMPLED,
    Review,
    ReviewAction,
    ReviewDecision,
    ReviewReason,
    ReviewState,
    bucket,
)
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Expunge, ExpungeKind, LinkConflict, Store, UnitOfWork
from tests.integration.storage.writes import at, put

CLAIMED, DECIDED, DEFERRED = ReviewState.CLAIMED, ReviewState.DECIDED, ReviewState.DEFERRED
ANY = ReviewQuery(("Patient", "Organization"), limit=100)


def review(golden: str, source: str, version: int = 1, **more: Any) -> Review:
    known: dict[str, Any] = {
        "type": "Patient",
        "state": CLAIMED,
        "action": ReviewAction.CLAIM,
        "reason": ReviewReason.POSSIBLE_MATCH,
        "steward": "anna",
        "at": at(version),
        "link_version": 1,
    }
    return Review(golden=golden, source=source, version=version, **{**known, **more})


def link(golden: str, source: str, **more: Any) -> Link:
    known: dict[str, Any] = {
        "type": "Patient",
        "result": MatchResult.MATCH,
        "link_source": LinkSource.AUTO,
        "version": 1,
        "created": at(1),
        "updated": at(1),
    }
    return Link(golden=golden, source=source, **{**known, **more})


async def reviewed(store: Store, *reviews: Review) -> None:
    await store.commit(UnitOfWork(reviews=reviews))


def pairs(found: Sequence[Review]) -> list[str]:
    return [f"{each.golden}<{each.source}" for each in found]


async def test_a_review_is_as_it_was_written(store: Store) -> None:
    full = review(
        "g",
        "s",
        state=DECIDED,
        action=ReviewAction.DECIDE,
        assignee="bert",
        note="an ä",
        decision=ReviewDecision.NO_MATCH,
        before=3,
        link_version=4,
        until=at(99),
    )
    plain = review("g", "t", type="Organization")
    await reviewed(store, full, plain)
    assert set(await store.reviews(ANY)) == {full, plain}
    assert await store.reviews_of([full.pair, ("Patient", "g", "never")]) == {full.pair: full}
    assert await store.reviews_of([]) == {}


async def test_a_review_takes_the_version_after_the_current_one_or_nothing_happens(store: Store) -> None:
    await reviewed(store, review("g", "s"))
    for stale in (review("g", "s"), review("g", "s", 3), review("g", "never", 2)):
        with pytest.raises(ReviewConflict) as refused:
            await store.commit(UnitOfWork([put("a")], links=[link("x", "y")], reviews=[stale]))
        assert refused.value.pair == stale.pair
    assert await store.read("Patient", "a") is None
    assert await store.links(LinkQuery(("Patient",))) == []
    with pytest.raises(LinkConflict):
        await store.commit(UnitOfWork(links=[link("x", "y", version=2)], reviews=[review("g", "s", 2)]))
    assert (await store.reviews(ANY))[0].version == 1


async def test_of_many_who_review_at_once_one_is_first(store: Store) -> None:
    stewards = [review("g", "s", steward=f"steward{number}") for number in range(8)]
    results = await asyncio.gather(*(reviewed(store, each) for each in stewards), return_exceptions=True)
    assert [type(each) for each in results if each is not None] == [ReviewConflict] * 7
    assert len(await store.review_history(("Patient", "g", "s"))) == 1


async def test_every_version_is_kept_and_the_newest_counts(store: Store) -> None:
    first, second = review("g", "s", assignee="anna"), review("g", "s", 2, state=DEFERRED)
    await reviewed(store, first)
    await reviewed(store, second, review("g", "t"))
    assert await store.review_history(("Patient", "g", "s")) == [second, first]
    assert await store.review_history(("Patient", "g", "never")) == []
    assert await store.reviews(replace(ANY, assignee="anna")) == []
    assert pairs(await store.reviews(replace(ANY, states=[CLAIMED]))) == ["g<t"]


async def test_reviews_are_found_by_state_assignee_and_type_newest_first(store: Store) -> None:
    await reviewed(
        store,
        review("g", "a", assignee="anna", at=at(1)),
        review("g", "b", assignee="bert", at=at(2)),
        review("g", "c", assignee="anna", state=DECIDED, at=at(3)),
        review("g", "d", type="Organization", at=at(4)),
    )
    assert pairs(await store.reviews(ANY)) == ["g<d", "g<c", "g<b", "g<a"]
    assert pairs(await store.reviews(replace(ANY, assignee="anna"))) == ["g<c", "g<a"]
    assert pairs(await store.reviews(replace(ANY, states=[DECIDED, DEFERRED]))) == ["g<c"]
    assert pairs(await store.reviews(ReviewQuery(("Patient",), limit=1, offset=1))) == ["g<b"]


async def test_a_resource_that_is_expunged_takes_its_reviews_with_it(store: Store) -> None:
    await store.commit(UnitOfWork([put("s")], reviews=[review("g", "s"), review("s", "t"), review("g", "t")]))
    await store.expunge(Expunge("Patient", ExpungeKind.EVERYTHING, 10, id="s"))
    assert pairs(await store.reviews(ANY)) == ["g<t"]


async def test_the_sample_is_of_automatic_matches_and_always_the_same(store: Store) -> None:
    many = [link("g", f"s{number}") for number in range(300)]
    await store.commit(UnitOfWork(links=many))
    rate = MOST_SAMPLED
    wanted = {each.source for each in many if bucket(each.pair) < rate}
    assert 5 < len(wanted) < 100

    async def sample(rate: int) -> set[str]:
        found = await store.links(LinkQuery(("Patient",), sampled=rate))
        return {each.source for each in found}

    assert await sample(rate) == wanted
    assert await sample(0) == set()
    one = min(wanted)
    manual = link("g", one, link_source=LinkSource.MANUAL, version=2)
    await store.commit(UnitOfWork(links=[manual]))
    assert await sample(rate) == wanted - {one}
    assert await store.link_count(LinkQuery(("Patient",), sampled=rate)) == len(wanted) - 1


def test_buckets_are_spread_over_all_of_them() -> None:
    found = [bucket(("Patient", "g", str(number))) for number in range(2_000)]
    assert all(0 <= each < BUCKETS for each in found)
    assert 60 < sum(each < BUCKETS // 20 for each in found) < 140


async def test_a_file_whose_links_have_no_bucket_yet_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    store = await open_store(f"sqlite:///{path}", types=["Patient"])
    await store.close()
    with closing(sqlite3.connect(path)) as file:
        file.executescript(
            "DROP INDEX link_by_bucket; ALTER TABLE link DROP COLUMN bucket; DROP TABLE review"
        )
    again = await open_store(f"sqlite:///{path}", types=["Patient"])
    try:
        await again.commit(UnitOfWork(links=[link("g", f"s{number}") for number in range(100)]))
        assert await again.links(LinkQuery(("Patient",), sampled=MOST_SAMPLED))
    finally:
        await again.close()


async def test_links_are_narrowed_to_what_one_of_several_queries_finds(store: Store) -> None:
    possible = link("g", "p", result=MatchResult.POSSIBLE_MATCH)
    manual = link("g", "m", link_source=LinkSource.MANUAL)
    sampled = next(each for n in range(500) if bucket((each := link("g", f"s{n}")).pair) < MOST_SAMPLED)
    other = next(each for n in range(500) if bucket((each := link("h", f"s{n}")).pair) > MOST_SAMPLED)
    await store.commit(UnitOfWork(links=[possible, manual, sampled, other]))
    types = ("Patient", "Organization")
    alternatives = [
        LinkQuery(types, results=[MatchResult.POSSIBLE_MATCH]),
        LinkQuery(types, results=[MatchResult.MATCH], link_source=LinkSource.MANUAL),
        LinkQuery(types, sampled=MOST_SAMPLED),
        LinkQuery(types, goldens=["g"], sources=["m"]),
    ]

    async def found(query: LinkQuery) -> list[str]:
        links = await store.links(query)
        assert await store.link_count(replace(query, limit=None, offset=0)) >= len(links)
        return [each.source for each in links]

    everything = LinkQuery(types, any_of=alternatives)
    assert sorted(await found(everything)) == sorted(["m", "p", sampled.source])
    assert await found(replace(everything, any_of=[])) == []
    assert await found(replace(everything, any_of=alternatives[:1])) == ["p"]
    assert await found(replace(everything, link_source=LinkSource.MANUAL)) == ["m"]
    assert len(await found(replace(everything, limit=1, offset=1))) == 1
