"""What is not stored yet is found by exactly the filters that would find it in a store."""

from random import Random

import pytest

from fhir_mpi.search.filters import And, Contains, Equals, Filter, Or, Prefix, Present, Within
from fhir_mpi.search.unstored import Unstored
from tests.integration.storage.chance import any_entries, any_filter
from tests.unit.search.findings import holds

NOW_MS = 1_000.0


def test_any_filter_finds_what_it_holds_for() -> None:
    random = Random(23)
    for _ in range(40):
        resources = {f"r{n}": any_entries(random) for n in range(8)}
        unstored = Unstored(resources, now_ms=NOW_MS)
        for _ in range(50):
            filter = any_filter(random)
            wanted = {id for id, entries in resources.items() if holds(filter, entries)}
            assert unstored.found(filter) == wanted, filter


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        (Equals("_id", "a"), {"a"}),
        (Equals("_id", "c"), set()),
        (Present("_id"), {"a", "b"}),
        (Present("_lastUpdated"), {"a", "b"}),
        (Within("_lastUpdated", low_from=NOW_MS), {"a", "b"}),
        (Within("_lastUpdated", high_to=NOW_MS - 1), set()),
        (And((Equals("_id", "a"), Prefix("family", "x"))), {"a"}),
        (Or((Equals("_id", "a"), Contains("family", "y"))), {"a", "b"}),
    ],
)
def test_the_columns_are_those_of_the_resources_themselves(filter: Filter, ids: set[str]) -> None:
    unstored = Unstored({"a": {"family": ["x"]}, "b": {"family": ["xy"]}}, now_ms=NOW_MS)
    assert unstored.found(filter) == ids


def test_nothing_is_found_where_nothing_is() -> None:
    assert Unstored({}, now_ms=NOW_MS).found(And(())) == frozenset()
