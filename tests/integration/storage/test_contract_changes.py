"""The store contract: versions of whole types by their time."""

from datetime import datetime
from itertools import pairwise

import pytest

from fhir_mpi.storage.port import Changes, Store, Stored
from tests.integration.storage.writes import at, commit, deletion, put

TYPES = ("Patient", "Organization")
Told = tuple[str, str, int]


def told(stored: Stored) -> Told:
    return stored.type, stored.id, stored.version


async def lived(store: Store) -> None:
    """Three patients and an organization: made, changed, deleted, brought back, some at the same time."""
    await commit(store, put("a", when=at(1)), put("b", when=at(1)), put("o", type="Organization", when=at(1)))
    await commit(store, put("a", expected=1, when=at(5)))
    await commit(store, deletion("b", expected=1))  # at(2)
    await commit(store, put("c", when=at(3)), put("o", type="Organization", expected=1, when=at(3)))
    await commit(store, put("b", expected=2, when=at(4)))


async def read(store: Store, limit: int = 100, **query: object) -> list[Stored]:
    """Every page, to the end."""
    found: list[Stored] = []
    after: str | None = None
    while True:
        page = await store.changes(Changes(limit=limit, after=after, **{"types": TYPES, **query}))  # type: ignore[arg-type]
        assert len(page.resources) == limit or page.next is None
        found += page.resources
        if page.next is None:
            return found
        after = page.next


async def test_every_version_is_told_by_its_time(store: Store) -> None:
    await lived(store)
    found = await read(store)
    assert [stored.last_updated for stored in found] == [at(n) for n in (5, 4, 3, 3, 2, 1, 1, 1)]
    assert {told(stored) for stored in found} == {
        *(("Patient", "a", n) for n in (1, 2)),
        *(("Patient", "b", n) for n in (1, 2, 3)),
        ("Patient", "c", 1),
        *(("Organization", "o", n) for n in (1, 2)),
    }
    assert [stored.deleted for stored in found] == [told(stored) == ("Patient", "b", 2) for stored in found]
    for stored in found:
        assert stored == await store.read_version(stored.type, stored.id, stored.version)


@pytest.mark.parametrize("limit", range(1, 10))
async def test_pages_follow_each_other_both_ways(store: Store, limit: int) -> None:
    await lived(store)
    newest = [told(s) for s in await read(store, limit)]
    oldest = [told(s) for s in await read(store, limit, oldest_first=True)]
    assert len(newest) == len(set(newest)) == 8
    assert newest == oldest[::-1] == [told(s) for s in await read(store)]


@pytest.mark.parametrize(
    ("since", "until", "times"),
    [
        (at(4), None, (5, 4)),
        (None, at(1), (1, 1, 1)),
        (at(2), at(3), (3, 3, 2)),
        (at(5.001), None, ()),
        (None, at(0.999), ()),
    ],
)
async def test_bounds_are_inclusive(
    store: Store, since: datetime | None, until: datetime | None, times: tuple[int, ...]
) -> None:
    await lived(store)
    found = await read(store, since=since, until=until)
    assert [stored.last_updated for stored in found] == [at(n) for n in times]


async def test_one_type_or_one_resource_can_be_asked_for(store: Store) -> None:
    await lived(store)
    assert [told(s)[1:] for s in await read(store, types=["Organization"])] == [("o", 2), ("o", 1)]
    found = [told(s)[1:] for s in await read(store, 2, types=["Patient"], id="b")]
    assert found == [("b", 3), ("b", 2), ("b", 1)]
    assert await read(store, types=["Patient"], id="nobody") == []


async def test_what_is_written_meanwhile_moves_no_page(store: Store) -> None:
    await lived(store)
    first = await store.changes(Changes(TYPES, 3))
    await commit(store, put("d", when=at(9)), put("c", expected=1, when=at(9)))
    second = await store.changes(Changes(TYPES, 100, after=first.next))
    both = [told(s) for s in (*first.resources, *second.resources)]
    assert both == [told(s) for s in await read(store) if s.last_updated < at(9)]


async def test_very_many_versions_of_one_resource_are_in_order(store: Store) -> None:
    for version in range(12):
        await commit(store, put("a", expected=version, when=at(version // 4)))
    found = [s.version for s in await read(store, 5)]
    assert sorted(found) == list(range(1, 13))
    assert all(one > other for one, other in pairwise(found))
