"""The store contract: every node of the filter tree finds what it says, and nothing else."""

from random import Random

import pytest

from fhir_mpi.search.filters import (
    EVERYTHING,
    NOTHING,
    And,
    Contains,
    Equals,
    Filter,
    IndexEntries,
    Interval,
    Not,
    Or,
    Prefix,
    Present,
    Query,
    Within,
)
from fhir_mpi.storage.port import Store
from tests.integration.storage.chance import any_entries, any_filter
from tests.integration.storage.writes import at, commit, deletion, filled, found, millis, put
from tests.unit.search.findings import holds

NAMES: dict[str, IndexEntries] = {
    "anna": {"family": ["smith"], "given": ["anna", "maria"], "gender": ["female"]},
    "bert": {"family": ["smithers"], "given": ["bert"], "gender": ["male"]},
    "carl": {"family": ["smi", "jones"], "gender": ["male"]},
    "dora": {"family": ["sm%th", "s_ith"], "given": ["$ne"], "identifier:of-type": ["t|v"]},
    "none": {},
}


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        (EVERYTHING, {"anna", "bert", "carl", "dora", "none"}),
        (NOTHING, set()),
        (Equals("family", "smith"), {"anna"}),
        (Equals("family", "Smith"), set()),
        (Equals("family", ""), set()),
        (Equals("nowhere", "smith"), set()),
        (Equals("identifier:of-type", "t|v"), {"dora"}),
        (Equals("identifier", "t|v"), set()),
        (Prefix("family", "smi"), {"anna", "bert", "carl"}),
        (Prefix("family", "smith"), {"anna", "bert"}),
        (Prefix("family", ""), {"anna", "bert", "carl", "dora"}),
        (Prefix("family", "sm%"), {"dora"}),
        (Prefix("family", "s_"), {"dora"}),
        (Contains("family", "the"), {"bert"}),
        (Contains("family", "%"), {"dora"}),
        (Contains("family", "_"), {"dora"}),
        (Contains("family", ""), {"anna", "bert", "carl", "dora"}),
        (Present("given"), {"anna", "bert", "dora"}),
        (Present("nowhere"), set()),
        (Not(Present("given")), {"carl", "none"}),
        (Not(Not(Present("given"))), {"anna", "bert", "dora"}),
        (Not(EVERYTHING), set()),
        (Not(NOTHING), {"anna", "bert", "carl", "dora", "none"}),
        (And((Prefix("family", "smi"), Equals("gender", "male"))), {"bert", "carl"}),
        (And((Equals("given", "anna"), Equals("given", "maria"))), {"anna"}),
        (And((Equals("given", "anna"), NOTHING)), set()),
        (Or((Equals("given", "anna"), Equals("family", "jones"))), {"anna", "carl"}),
        (Or((NOTHING, Equals("given", "bert"))), {"bert"}),
        (Or((Equals("given", "anna"), EVERYTHING)), {"anna", "bert", "carl", "dora", "none"}),
        (And((Equals("gender", "male"), Not(Equals("family", "jones")))), {"bert"}),
        (Not(Or((Equals("gender", "male"), Equals("gender", "female")))), {"dora", "none"}),
        (
            Not(And((Prefix("family", "smi"), Not(Equals("gender", "male"))))),
            {"bert", "carl", "dora", "none"},
        ),
        (Equals("_id", "carl"), {"carl"}),
        (Equals("_id", "nobody"), set()),
        (Or((Equals("_id", "carl"), Equals("_id", "none"), Equals("_id", "x"))), {"carl", "none"}),
        (And((Equals("_id", "carl"), Equals("gender", "male"))), {"carl"}),
        (And((Equals("_id", "carl"), Equals("gender", "female"))), set()),
        (Not(Equals("_id", "carl")), {"anna", "bert", "dora", "none"}),
        (Present("_id"), {"anna", "bert", "carl", "dora", "none"}),
        (Present("_lastUpdated"), {"anna", "bert", "carl", "dora", "none"}),
    ],
)
async def test_a_filter_finds(store: Store, filter: Filter, ids: set[str]) -> None:
    await filled(store, NAMES)
    await filled(store, {"anna": NAMES["anna"], "other": NAMES["bert"]}, type="Organization")
    assert await found(store, filter) == ids


@pytest.mark.parametrize(
    "literal",
    [
        "$ne",
        "$where",
        "$regex",
        '{"$gt":""}',
        "' OR 1=1 --",
        '"',
        ".*",
        "(a+)+$",
        "^",
        "\\",
        "a.b",
        "x" * 9000,
    ],
)
async def test_operators_and_patterns_are_literals(store: Store, literal: str) -> None:
    await filled(store, {"has": {"family": [literal]}, "not": {"family": ["plain"]}})
    nodes: list[Filter] = [Equals("family", literal), Prefix("family", literal), Contains("family", literal)]
    for filter in nodes:
        assert await found(store, filter) == {"has"}
    absent: list[Filter] = [Equals("_id", literal), Equals(literal, "plain"), Present(literal)]
    for filter in absent:
        assert await found(store, filter) == set()


async def test_a_prefix_is_compared_by_code_point_up_to_the_last_one(store: Store) -> None:
    values = ["a", "a\ud7ff", "a\ue000", "a\uffff", "a\U0001f600", "a\U0001f600b", "a\U0010ffff", "b"]
    last = "\U0010ffff\U0010ffff"
    await filled(store, {f"v{n}": {"family": [value]} for n, value in enumerate([*values, last])})
    expected = {
        "a": set(range(7)),
        "a\ud7ff": {1},
        "a\U0001f600": {4, 5},
        "a\U0010ffff": {6},
        "\U0010ffff": {8},
        last: {8},
        "a\uffff": {3},
    }
    for prefix, numbers in expected.items():
        assert await found(store, Prefix("family", prefix)) == {f"v{n}" for n in numbers}


async def test_contains_looks_only_before_the_unit_separator(store: Store) -> None:
    await filled(store, {"a": {"family": ["jones\x1fsmith"]}, "b": {"family": ["x", "smith\x1fjones"]}})
    assert await found(store, Contains("family", "jones")) == {"a"}
    assert await found(store, Contains("family", "ith")) == {"b"}
    assert await found(store, Contains("family", "s\x1f")) == set()
    assert await found(store, Prefix("family", "jones\x1fs")) == {"a"}
    assert await found(store, Equals("family", "smith\x1fjones")) == {"b"}


TIMES: dict[str, IndexEntries] = {
    "day": {"birthdate": [Interval(100.0, 199.0)]},
    "year": {"birthdate": [Interval(0.0, 999.0)]},
    "before": {"birthdate": [Interval(-500.0, -400.0)]},
    "two": {"birthdate": [Interval(10.0, 20.0), Interval(800.0, 900.0)]},
    "point": {"birthdate": [Interval(199.0, 199.0)], "deceased": ["true"]},
    "decimal": {"birthdate": [Interval(0.25, 0.5)]},
    "without": {"deceased": ["true"]},
}


@pytest.mark.parametrize(
    ("within", "ids"),
    [
        ({"low_from": 100.0, "high_to": 199.0}, {"day", "point"}),
        ({"low_from": 101.0, "high_to": 199.0}, {"point"}),
        ({"low_to": 199.0, "high_from": 199.0}, {"day", "year", "point"}),
        ({"high_from": 900.0}, {"year", "two"}),
        ({"high_from": 900.5}, {"year"}),
        ({"low_to": -500.0}, {"before"}),
        ({"low_to": -501.0}, set()),
        ({"high_to": 20.0}, {"before", "two", "decimal"}),
        ({"low_from": 199.0}, {"two", "point"}),
        ({"low_from": 10.0, "high_to": 900.0}, {"day", "two", "point"}),
        ({"low_from": 15.0, "high_to": 700.0}, {"day", "point"}),
        ({"low_from": 5.0, "low_to": 15.0, "high_from": 850.0}, set()),
        ({"low_from": 0.25, "low_to": 0.25, "high_from": 0.5, "high_to": 0.5}, {"decimal"}),
        ({"low_from": 300.0, "high_to": 200.0}, set()),
        ({}, {"day", "year", "before", "two", "point", "decimal"}),
    ],
)
async def test_an_interval_is_within_bounds_by_its_own_two_ends(
    store: Store, within: dict[str, float], ids: set[str]
) -> None:
    await filled(store, TIMES)
    filter = Within("birthdate", **within)
    assert await found(store, filter) == ids
    assert await found(store, Not(filter)) == set(TIMES) - ids


async def test_present_sees_intervals_and_texts(store: Store) -> None:
    await filled(store, TIMES)
    assert await found(store, Present("birthdate")) == set(TIMES) - {"without"}
    assert await found(store, Present("deceased")) == {"point", "without"}


async def test_the_time_of_the_last_update_is_an_interval_of_one_moment(store: Store) -> None:
    await commit(store, *(put(id, when=at(n)) for n, id in enumerate("abc")))
    await commit(store, put("a", expected=1, when=at(9)))
    moment = float(millis(at(1)))
    exactly = Within("_lastUpdated", low_from=moment, high_to=moment)
    assert await found(store, exactly) == {"b"}
    assert await found(store, Not(exactly)) == {"a", "c"}
    assert await found(store, Within("_lastUpdated", low_from=moment + 0.5)) == {"a", "c"}
    assert await found(store, Within("_lastUpdated", high_from=moment + 1)) == {"a", "c"}
    assert await found(store, Within("_lastUpdated", high_to=moment)) == {"b"}
    assert await found(store, Within("_lastUpdated", low_to=moment - 1)) == set()
    assert await found(store, Within("_lastUpdated", low_to=float(millis(at(9))))) == {"a", "b", "c"}


async def test_deleted_resources_never_appear(store: Store) -> None:
    await commit(store, put("a", {"family": ["x"]}), put("b", {"family": ["x"]}))
    await commit(store, deletion("a", expected=1))
    anything: list[Filter] = [
        EVERYTHING,
        Equals("family", "x"),
        Not(Equals("family", "y")),
        Not(Equals("_id", "z")),
        Or((Equals("_id", "a"), Equals("_id", "b"))),
        Within("_lastUpdated", low_from=0.0),
        Present("_id"),
    ]
    for filter in anything:
        assert await found(store, filter) == {"b"}


async def test_any_tree_finds_what_its_definition_says(store: Store) -> None:
    random = Random(20240501)
    entries = {f"r{n}": any_entries(random) for n in range(60)}
    await filled(store, entries)
    for _ in range(250):
        filter = any_filter(random)
        expected = {id for id, index in entries.items() if holds(filter, index)}
        assert await found(store, filter) == expected, filter


async def test_a_hundred_alternatives_are_one_search(store: Store) -> None:
    await filled(store, {f"r{n}": {"family": [f"name{n}"]} for n in range(150)})
    some = Or(tuple(Prefix("family", f"name{n}") for n in range(10, 110)))
    assert len(await found(store, some)) == 140
    exactly = Or(tuple(Equals("family", f"name{n}") for n in range(50, 150)))
    assert len(await found(store, And((exactly, Not(some))))) == 0


async def test_a_page_holds_the_resources_themselves(store: Store) -> None:
    await commit(store, put("a", {"family": ["x"]}))
    latest = put("a", {"family": ["x"]}, expected=1, note="latest")
    await commit(store, latest)
    page = await store.search(Query("Patient", Equals("family", "x"), 10))
    assert [(s.version, s.method, s.resource["note"]) for s in page.resources] == [(2, "PUT", "latest")]
    assert page.resources[0].last_updated == latest.version.last_updated
    assert page.next is None


async def test_the_texts_of_a_code_are_told_once_each_in_order(store: Store) -> None:
    await filled(
        store,
        {"a": {"tag": ["b", "a"]}, "b": {"tag": ["b", "c"], "other": ["z"]}, "c": {"n": [Interval(1, 2)]}},
    )
    assert await store.texts("Patient", "tag", limit=10) == ["a", "b", "c"]
    assert await store.texts("Patient", "tag", limit=2) == ["a", "b"]
    assert await store.texts("Patient", "n", limit=2) == []
    assert await store.texts("Patient", "nowhere", limit=2) == []
    assert await store.texts("Organization", "tag", limit=2) == []
    await commit(store, deletion("a", expected=1))
    assert await store.texts("Patient", "tag", limit=10) == ["b", "c"]
