"""What a filter becomes, and which index rows a search may begin with."""

import math
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS

from fhir_mpi.search.filters import (
    EVERYTHING,
    NOTHING,
    And,
    Contains,
    Equals,
    Filter,
    Not,
    Or,
    Prefix,
    Present,
    Within,
)
from fhir_mpi.storage.mongo.filters import MOST_ALTERNATIVES, compiled, ids_of, looks

ABOVE_5 = math.nextafter(5.0, math.inf)


@pytest.mark.parametrize(
    ("filter", "query"),
    [
        (EVERYTHING, {}),
        (NOTHING, {"_id": {"$in": []}}),
        (Equals("family", "$ne"), {"ix.family": {"$eq": "$ne"}}),
        (Equals("a.b", "x"), {"ix.a%2Eb": {"$eq": "x"}}),
        (Equals("_id", "x"), {"_id": {"$eq": "x"}}),
        (Present("_id"), {}),
        (Present("_lastUpdated"), {}),
        (Prefix("_id", "x"), {"_id": {"$in": []}}),
        (Prefix("family", "sm"), {"ix.family": {"$elemMatch": {"$gte": "sm", "$lt": "sn"}}}),
        (Prefix("family", ""), {"ix.family": {"$elemMatch": {"$gte": ""}}}),
        (
            Within("d", low_from=1.0, high_to=5.0),
            {"ix.d": {"$elemMatch": {"low": {"$gte": 1.0}, "high": {"$lt": ABOVE_5}}}},
        ),
        (Within("d", high_to=math.inf), {"ix.d": {"$elemMatch": {"low": {"$exists": True}}}}),
        (
            Within("_lastUpdated", low_from=1.5, high_to=9.5),
            {"lastUpdated": {"$gte": DatetimeMS(2), "$lte": DatetimeMS(9)}},
        ),
        (Within("_lastUpdated"), {"lastUpdated": {"$gte": DatetimeMS(-(2**62)), "$lte": DatetimeMS(2**62)}}),
    ],
)
def test_a_filter_becomes_one_query(filter: Filter, query: dict[str, Any]) -> None:
    assert compiled(filter) == query


def test_text_that_is_looked_for_is_never_a_pattern_or_an_expression() -> None:
    query = str(compiled(Contains("family", "$where.*")))
    assert "{'$literal': '$where.*'}" in query
    assert "$regex" not in query


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        (EVERYTHING, None),
        (NOTHING, set()),
        (Equals("family", "a"), None),
        (And((Equals("_id", "a"), Present("x"))), {"a"}),
        (And((Equals("_id", "a"), Equals("_id", "b"))), set()),
        (Or((Equals("_id", "a"), Equals("_id", "b"))), {"a", "b"}),
        (Or((Equals("_id", "a"), Present("x"))), None),
        (Not(Equals("_id", "a")), None),
    ],
)
def test_the_ids_a_filter_names(filter: Filter, ids: set[str] | None) -> None:
    assert ids_of(filter) == ids


NAME, MALE, DAY = Prefix("family", "sm"), Equals("gender", "male"), Within("birthdate", 1.0, None, None, 5.0)


@pytest.mark.parametrize(
    ("filter", "kinds"),
    [
        (EVERYTHING, []),
        (NOTHING, []),
        (MALE, [["texts"]]),
        (And((NAME, DAY)), [["texts"], ["intervals"]]),
        (And((NAME, Not(MALE))), [["texts"]]),
        (Or((NAME, DAY)), [["texts", "intervals"]]),
        (Or((NAME, Not(DAY))), []),
        (Or((MALE, Equals("_id", "x"))), []),
        (Or((Equals("a", "1"), Equals("b", "2"), Equals("a", "3"))), [["texts", "texts"]]),
        (Or(tuple(Equals("a", str(n)) for n in range(500))), [["texts"]]),
        (Or(tuple(Prefix("a", str(n)) for n in range(MOST_ALTERNATIVES + 1))), []),
        (Prefix("family", ""), []),
        (Within("birthdate"), []),
        (Within("_lastUpdated", 1.0), []),
        (Equals("_id", "x"), []),
        (Contains("family", "x"), [["texts"]]),
        (And((Contains("family", "x"), MALE)), [["texts"]]),
        (Present("family"), []),
    ],
)
def test_a_search_may_begin_with(filter: Filter, kinds: list[list[str]]) -> None:
    assert [[rows.kind for rows in look.rows] for look in looks(filter)] == kinds


def test_only_one_text_of_one_code_comes_in_the_order_of_ids() -> None:
    assert [look.by_id for look in looks(And((MALE, NAME, DAY)))] == [True, False, False]
    assert not looks(Or((MALE, Equals("gender", "female"))))[0].by_id


def test_a_look_is_whole_only_when_it_is_the_filter() -> None:
    assert [look.whole for f in (MALE, NAME, DAY) for look in looks(f)] == [True, True, True]
    assert not looks(And((MALE, Present("x"))))[0].whole


@pytest.mark.parametrize(
    ("within", "matches"),
    [
        (Within("d", 1.0, None, None, 5.0), [{"low": (1.0, 5.0)}, {"high": (1.0, 5.0)}]),
        (Within("d", high_from=3.0), [{"high": (3.0, None)}]),
        (Within("d", low_to=5.0), [{"low": (None, 5.0)}]),
        (Within("d", None, 5.0, 1.0, None), [{"low": (None, 5.0)}, {"high": (1.0, None)}]),
        (Within("d", None, None, 1.0, 5.0), [{"high": (1.0, 5.0)}, {"low": (None, 5.0)}]),
    ],
)
def test_the_end_bounded_on_both_sides_leads(
    within: Within, matches: list[dict[str, tuple[float | None, float | None]]]
) -> None:
    found = looks(within)[0].rows[0].matches
    assert found[0]["code"] == "d"
    ranges = [{end: _range(match[end]) for end in match if end != "code"} for match in found]
    assert ranges == matches


def _range(bounds: dict[str, float]) -> tuple[float | None, float | None]:
    most = bounds.get("$lt")
    return bounds.get("$gte"), None if most is None else math.nextafter(most, -math.inf)
