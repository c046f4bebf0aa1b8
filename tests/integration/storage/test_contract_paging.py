"""The store contract: pages follow each other to the end, in order, while others write."""

from dataclasses import replace
from itertools import chain
from math import inf

import pytest

from fhir_mpi.search.filters import (
    EVERYTHING,
    NOTHING,
    Equals,
    Filter,
    IndexEntries,
    Interval,
    Prefix,
    Query,
    Sort,
    Within,
)
from fhir_mpi.storage.port import Store
from tests.integration.storage.writes import at, commit, deletion, filled, found, pages, put


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
async def test_pages_hold_every_resource_once(store: Store, limit: int) -> None:
    ids = [f"r{n}" for n in range(7)]
    await filled(store, {id: {"family": ["x", "y"]} for id in ids})
    some: list[Filter] = [EVERYTHING, Equals("family", "x"), Prefix("family", "")]
    for filter in some:
        read = await pages(store, limit=limit, filter=filter)
        assert sorted(chain(*read)) == ids
        assert all(len(page) == limit for page in read[:-1])
        assert read[-1], "the last page is not an empty one"


async def test_an_empty_search_is_one_empty_page(store: Store) -> None:
    await filled(store, {"a": {}})
    assert await pages(store, limit=5, filter=NOTHING) == [[]]
    assert await pages(store, limit=5, filter=Equals("family", "x"), sort=[Sort("family")]) == [[]]


async def test_without_a_sort_the_order_stays_while_others_write(store: Store) -> None:
    ids = [f"r{n}" for n in range(9)]
    await filled(store, {id: {"family": ["x"]} for id in ids})
    filter = Equals("family", "x")
    first = await store.search(Query("Patient", filter, 4))
    assert first.next is not None
    read = [s.id for s in first.resources]
    unread = [id for id in ids if id not in read]
    await commit(store, deletion(read[0], expected=1), deletion(unread[0], expected=1))
    await commit(store, put(read[1], {"family": ["x"]}, expected=1))
    await commit(store, put(unread[1], {"family": ["x"]}, expected=1))
    rest = await store.search(Query("Patient", filter, 100, after=first.next))
    assert {s.id for s in rest.resources} == set(unread[1:])
    assert rest.next is None


PEOPLE: dict[str, IndexEntries] = {
    "b": {"family": ["berg"], "gender": ["f"], "birthdate": [Interval(20.0, 29.0)]},
    "az": {"family": ["adam", "zorn"], "gender": ["m"], "birthdate": [Interval(50.0, 59.0)]},
    "none": {"gender": ["f"]},
    "c": {"family": ["cole"], "gender": ["m"], "birthdate": [Interval(10.0, 19.0), Interval(70.0, 79.0)]},
    "emoji": {"family": ["\U0001f600"], "gender": ["f"]},
    "bmp": {"family": ["\uffff"], "gender": ["f"], "birthdate": [Interval(-5.0, -1.0)]},
}


@pytest.mark.parametrize("limit", [1, 2, 4, 10])
@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ([Sort("family")], ["az", "b", "c", "bmp", "emoji", "none"]),
        ([Sort("family", descending=True)], ["emoji", "bmp", "az", "c", "b", "none"]),
        ([Sort("birthdate"), Sort("_id")], ["bmp", "c", "b", "az", "emoji", "none"]),
        ([Sort("birthdate", descending=True), Sort("_id")], ["c", "az", "b", "bmp", "emoji", "none"]),
        ([Sort("gender"), Sort("family")], ["b", "bmp", "emoji", "none", "az", "c"]),
        ([Sort("gender", descending=True), Sort("family")], ["az", "c", "b", "bmp", "emoji", "none"]),
        ([Sort("gender"), Sort("family", descending=True)], ["emoji", "bmp", "b", "none", "az", "c"]),
        ([Sort("_id")], ["az", "b", "bmp", "c", "emoji", "none"]),
        ([Sort("_id", descending=True)], ["none", "emoji", "c", "bmp", "b", "az"]),
        ([Sort("_lastUpdated")], ["az", "none", "c", "b", "emoji", "bmp"]),
        ([Sort("_lastUpdated", descending=True)], ["bmp", "emoji", "b", "c", "none", "az"]),
        ([Sort("nowhere"), Sort("_id")], ["az", "b", "bmp", "c", "emoji", "none"]),
    ],
)
async def test_sorted_pages(store: Store, limit: int, sort: list[Sort], order: list[str]) -> None:
    moments = {"az": 0, "none": 1, "c": 2, "b": 3, "emoji": 4, "bmp": 5}
    await commit(store, *(put(id, index, when=at(moments[id])) for id, index in PEOPLE.items()))
    read = await pages(store, limit=limit, sort=sort)
    assert list(chain(*read)) == order
    assert all(len(page) == limit for page in read[:-1])
    assert read[-1]


@pytest.mark.parametrize("sort", [(), (Sort("family"),), (Sort("birthdate", True), Sort("family"))])
async def test_the_last_page_is_found_without_the_others(store: Store, sort: tuple[Sort, ...]) -> None:
    await filled(store, PEOPLE)
    everybody = list(chain(*await pages(store, limit=10, sort=list(sort))))
    last = await store.search(Query("Patient", EVERYTHING, 4, sort, backwards=True))
    assert [s.id for s in last.resources] == everybody[2:]
    assert last.next is None
    before = await store.search(Query("Patient", EVERYTHING, 4, sort, last.previous, backwards=True))
    assert [s.id for s in before.resources] == everybody[:2]
    assert before.previous is None


async def test_a_page_before_what_is_gone_meanwhile_ends_where_that_was(store: Store) -> None:
    await filled(store, {f"r{n}": {"family": [f"f{n}"]} for n in range(6)})
    query = Query("Patient", EVERYTHING, 2, (Sort("family"),))
    first = await store.search(query)
    second = await store.search(replace(query, after=first.next))
    await commit(
        store, deletion("r1", expected=1), deletion("r2", expected=1), put("r11", {"family": ["f11"]})
    )
    before = await store.search(replace(query, after=second.previous, backwards=True))
    assert [s.id for s in before.resources] == ["r0", "r11"]
    await commit(store, deletion("r0", expected=1), deletion("r11", expected=1))
    nobody = await store.search(replace(query, after=second.previous, backwards=True))
    assert (list(nobody.resources), nobody.next, nobody.previous) == ([], None, None)


async def test_a_sorted_search_is_filtered_too(store: Store) -> None:
    await filled(store, PEOPLE)
    read = await pages(store, limit=2, filter=Equals("gender", "m"), sort=[Sort("family", descending=True)])
    assert read == [["az", "c"]]
    read = await pages(store, limit=1, filter=Prefix("gender", "f"), sort=[Sort("family")])
    assert read == [["b"], ["bmp"], ["emoji"], ["none"]]


@pytest.mark.parametrize("descending", [False, True])
async def test_equal_sort_values_lose_nobody_at_the_edge_of_a_page(store: Store, descending: bool) -> None:
    entries = {f"r{n:02}": {"family": ["same"] if n % 3 else ["same", "other"]} for n in range(20)}
    await filled(store, entries)
    for limit in (1, 3, 19):
        read = await pages(store, limit=limit, sort=[Sort("family", descending)])
        assert sorted(chain(*read)) == sorted(entries)


async def test_sorted_pages_go_on_past_resources_that_are_gone(store: Store) -> None:
    await filled(store, {f"r{n}": {"family": [f"f{n}"]} for n in range(6)})
    first = await store.search(Query("Patient", EVERYTHING, 2, (Sort("family"),)))
    await commit(store, deletion("r1", expected=1), deletion("r2", expected=1))
    await commit(store, put("r00", {"family": ["f0"]}), put("r33", {"family": ["f33"]}))
    rest = await store.search(Query("Patient", EVERYTHING, 9, (Sort("family"),), first.next))
    assert [s.id for s in rest.resources] == ["r3", "r33", "r4", "r5"]


async def test_open_ended_intervals_are_found_and_sorted(store: Store) -> None:
    ends = {"ever": (-inf, inf), "until": (-inf, 5.0), "since": (3.0, inf), "none": None}
    entries: dict[str, IndexEntries] = {
        id: {"period": [Interval(*pair)]} if pair else {} for id, pair in ends.items()
    }
    await filled(store, entries)
    assert await found(store, Within("period", high_from=6.0)) == {"ever", "since"}
    assert await found(store, Within("period", low_to=0.0, high_to=5.0)) == {"until"}
    read = await pages(store, limit=1, sort=[Sort("period"), Sort("_id")])
    assert sorted(chain(*read[:2])) == ["ever", "until"]
    assert read[2:] == [["since"], ["none"]]
