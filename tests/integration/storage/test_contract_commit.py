"""The store contract: a unit of work happens whole, once, and on the version it names."""

import asyncio
from collections import Counter

import pytest

from fhir_mpi.search.filters import EVERYTHING, Equals, Interval, Present, Query, Within
from fhir_mpi.storage.port import Store, UnitOfWork, Write, WriteConflict
from tests.integration.storage.writes import commit, deletion, found, put, renumbered, same


@pytest.mark.parametrize(
    ("write", "current"),
    [
        (put("a"), 2),
        (put("a", expected=1), 2),
        (put("a", expected=3), 2),
        (put("new", expected=1), 0),
        (deletion("a", expected=1), 2),
        (deletion("new", expected=7), 0),
    ],
)
async def test_a_write_on_another_version_than_the_current_one_is_refused(
    store: Store, write: Write, current: int
) -> None:
    await commit(store, put("a"))
    await commit(store, put("a", expected=1, note="kept"))
    before = await store.read("Patient", write.version.id)
    with pytest.raises(WriteConflict) as refused:
        await commit(store, write)
    told = refused.value
    assert (told.type, told.id) == ("Patient", write.version.id)
    assert (told.expected, told.found) == (write.expected, current)
    assert same(await store.read("Patient", write.version.id), before)


async def test_nothing_of_a_unit_is_done_when_one_write_conflicts(store: Store) -> None:
    await commit(store, put("a", {"family": ["old"]}, keys=[1], packed="old"))
    unit = [
        put("first", {"family": ["new"]}, keys=[1]),
        put("a", {"family": ["new"]}, expected=1, keys=[1], packed="new"),
        put("o", type="Organization"),
        put("late", {"family": ["new"]}, expected=4),
        put("last", {"family": ["new"]}, keys=[1]),
    ]
    with pytest.raises(WriteConflict) as refused:
        await commit(store, *unit)
    assert refused.value.id == "late"
    assert await found(store, EVERYTHING) == {"a"}
    assert await found(store, EVERYTHING, "Organization") == set()
    assert await found(store, Equals("family", "old")) == {"a"}
    assert await found(store, Equals("family", "new")) == set()
    rows = (await store.candidates("Patient", [1], cap=9)).rows
    assert [(row.id, row.packed) for row in rows] == [("a", "old")]
    assert await store.read("Patient", "first") is None
    assert len(await store.history("Patient", "a", limit=9)) == 1


async def test_a_unit_without_writes_changes_nothing(store: Store) -> None:
    await store.commit(UnitOfWork(()))
    assert await found(store, EVERYTHING) == set()


async def test_new_index_entries_replace_the_old_ones(store: Store) -> None:
    await commit(store, put("a", {"family": ["one", "both"], "given": ["x"]}))
    await commit(store, put("a", {"family": ["two", "both"]}, expected=1))
    assert await found(store, Equals("family", "one")) == set()
    assert await found(store, Equals("given", "x")) == set()
    assert await found(store, Equals("family", "two")) == {"a"}
    assert await found(store, Equals("family", "both")) == {"a"}


async def test_new_intervals_replace_the_old_ones(store: Store) -> None:
    await commit(store, put("a", {"birthdate": [Interval(1.0, 2.0), Interval(5.0, 6.0)]}))
    await commit(store, put("a", {"birthdate": [Interval(5.0, 6.0), Interval(7.0, 9.0)]}, expected=1))
    assert await found(store, Within("birthdate", high_to=4.0)) == set()
    assert await found(store, Within("birthdate", low_from=5.0, high_to=6.0)) == {"a"}
    assert await found(store, Within("birthdate", high_from=9.0)) == {"a"}
    await commit(store, deletion("a", expected=2))
    await commit(store, put("a", expected=3))
    assert await found(store, Present("birthdate")) == set()


async def test_a_deleted_resource_is_not_found_and_comes_back_when_made_again(store: Store) -> None:
    entries = {"family": ["x"]}
    await commit(store, put("a", entries, keys=[7], packed="p"), put("b", entries))
    await commit(store, deletion("a", expected=1))
    assert await found(store, EVERYTHING) == await found(store, Equals("family", "x")) == {"b"}
    assert not (await store.candidates("Patient", [7], cap=9)).rows
    with pytest.raises(WriteConflict) as refused:
        await commit(store, put("a", entries))
    assert refused.value.found == 2
    await commit(store, put("a", entries, expected=2, keys=[7], packed="again"))
    assert await found(store, Equals("family", "x")) == {"a", "b"}
    assert [row.packed for row in (await store.candidates("Patient", [7], cap=9)).rows] == ["again"]
    assert [v.method for v in await store.history("Patient", "a", limit=9)] == ["PUT", "DELETE", "POST"]


async def test_of_a_hundred_creations_of_one_resource_one_wins(store: Store) -> None:
    outcomes = await asyncio.gather(*(_attempt(store, put("a", note=n)) for n in range(100)))
    assert Counter(outcomes) == {True: 1, False: 99}
    winner = await store.read("Patient", "a")
    assert winner is not None
    assert (winner.version, winner.resource["note"]) == (1, outcomes.index(True))


async def test_each_version_is_won_once_by_thirty_writers_that_try_again(store: Store) -> None:
    await commit(store, put("a", note="start"))
    await asyncio.gather(*(_until_done(store, n) for n in range(30)))
    history = await store.history("Patient", "a", limit=200)
    assert [v.version for v in history] == list(range(31, 0, -1))
    assert sorted(v.resource["note"] for v in history[:-1]) == list(range(30))


async def test_a_unit_of_thousands_of_writes_is_seen_whole_or_not_at_all(store: Store) -> None:
    unit = [put(f"p{n:04}", {"family": [f"f{n % 7}"]}, keys=[n]) for n in range(1500)]
    writing = asyncio.create_task(commit(store, *unit))
    seen = {await store.count("Patient", EVERYTHING)}
    while not writing.done():
        seen.add(await store.count("Patient", EVERYTHING))
    await writing
    seen.add(await store.count("Patient", EVERYTHING))
    assert seen == {0, 1500}
    assert await store.population("Patient") == 1500
    assert len(await found(store, Equals("family", "f3"))) == 214


async def test_a_thousand_writes_of_which_the_last_conflicts_leave_nothing(store: Store) -> None:
    unit = [put(f"p{n:04}", {"family": ["f"]}, keys=[n]) for n in range(1000)]
    with pytest.raises(WriteConflict):
        await commit(store, *unit, put("late", expected=1))
    assert await store.count("Patient", EVERYTHING) == 0
    assert await store.population("Patient") == 0
    await commit(store, *unit)
    assert await store.count("Patient", EVERYTHING) == 1000


async def test_readers_go_on_while_others_write(store: Store) -> None:
    await commit(store, put("a", {"family": ["x"]}))
    writing = asyncio.gather(*(commit(store, put(f"w{n}", {"family": ["y"]})) for n in range(40)))
    for _ in range(20):
        assert await found(store, Equals("family", "x")) == {"a"}
    await writing
    assert len(await found(store, Equals("family", "y"))) == 40


async def test_two_stores_of_one_database_see_and_exclude_each_other(store: Store, other: Store) -> None:
    await commit(store, put("a", {"family": ["x"]}))
    assert await found(other, Equals("family", "x")) == {"a"}
    outcomes = await asyncio.gather(
        *(_attempt(s, put("a", expected=1, note=n)) for n in range(10) for s in (store, other))
    )
    assert Counter(outcomes) == {True: 1, False: 19}
    await commit(other, put("b", {"new-code": ["x"]}))
    assert await found(store, Equals("new-code", "x")) == {"b"}


async def _attempt(store: Store, write: Write) -> bool:
    try:
        await commit(store, write)
    except WriteConflict:
        return False
    return True


async def _until_done(store: Store, note: int) -> None:
    while True:
        page = await store.search(Query("Patient", EVERYTHING, 1))
        current = page.resources[0].version
        if await _attempt(store, renumbered(put("a", note=note), current + 1)):
            return
