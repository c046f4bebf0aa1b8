"""The SQLite store's plans: all of them find the same, in the same order, without reading everything."""

import sqlite3
from collections.abc import AsyncIterator
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from fhir_mpi.search.filters import (
    EVERYTHING,
    And,
    Equals,
    Filter,
    IndexEntries,
    Interval,
    Not,
    Or,
    Prefix,
    Sort,
    Within,
)
from fhir_mpi.storage.sqlite import SqliteStore, plans
from fhir_mpi.storage.sqlite.codes import Codes, Numbers
from fhir_mpi.storage.sqlite.filters import Subject, condition
from fhir_mpi.storage.sqlite.order import Order, sort_key
from fhir_mpi.storage.sqlite.plans import Planner
from tests.integration.storage.chance import any_entries, any_filter
from tests.integration.storage.writes import commit, deletion, filled, found, pages
from tests.unit.search.findings import holds

SORTS = [
    (),
    (Sort("family"),),
    (Sort("family", descending=True), Sort("birthdate")),
    (Sort("birthdate"),),
    (Sort("birthdate", descending=True), Sort("given", descending=True)),
    (Sort("_lastUpdated", descending=True), Sort("family")),
    (Sort("nobody"), Sort("_id", descending=True)),
    (Sort("nobody", descending=True),),
]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(str(tmp_path / "index.sqlite"), types=["Patient"], timeout=60.0)
    yield made
    await made.close()


async def test_any_tree_finds_the_same_when_everything_is_many(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "ROUNDS", (0,))
    random = Random(7)
    entries = {f"r{n}": any_entries(random) for n in range(60)}
    await filled(store, entries)
    for _ in range(250):
        filter = any_filter(random)
        assert await found(store, filter) == {id for id, ix in entries.items() if holds(filter, ix)}, filter


async def test_an_interval_is_tested_among_the_entries_of_its_own_resource(store: SqliteStore) -> None:
    """A look into an index by value for every resource would make a broad search quadratic."""
    await filled(store, {"a": {"birthdate": [Interval(1.0, 2.0)]}})
    for leaf in (Within("birthdate", high_from=1.0), Within("birthdate", low_from=1.0, high_to=2.0)):
        test = await store._connections.read(lambda c: condition(leaf, Subject(store._numbers(c), "Patient")))  # noqa: B023
        statement = f"EXPLAIN QUERY PLAN SELECT 1 FROM resource AS r WHERE {test.text}"  # noqa: S608
        plan = await store._connections.read(lambda c: c.execute(statement, test.values).fetchall())  # noqa: B023
        assert [row[3] for row in plan if " e " in row[3]] == ["SEARCH e USING PRIMARY KEY (pk=?)"]


@pytest.mark.parametrize("sort", SORTS)
async def test_pages_are_the_same_by_every_plan(
    store: SqliteStore, sort: tuple[Sort, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(8)
    await filled(store, {f"r{n}": any_entries(random) for n in range(40)})
    await commit(store, deletion("r3", expected=1), deletion("r8", expected=1))
    filters: list[Filter] = [
        EVERYTHING,
        Not(Equals("given", "a")),
        Equals("family", "a"),
        Prefix("given", ""),
    ]
    for filter in filters:
        monkeypatch.setattr(plans, "ROUNDS", (100,))
        few = await pages(store, limit=3, filter=filter, sort=sort)
        monkeypatch.setattr(plans, "ROUNDS", (0,))
        many = await pages(store, limit=3, filter=filter, sort=sort)
        assert many == few
        assert len(set(chain(*few))) == len(list(chain(*few))) > 0


async def test_a_page_begun_by_one_plan_is_continued_by_another(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: dict[str, IndexEntries] = {f"r{n}": {"family": [f"f{n % 3}"], "gender": ["m"]} for n in range(9)}
    await filled(store, entries)
    filter, sort = Equals("gender", "m"), (Sort("family", descending=True),)
    whole = list(chain(*await pages(store, limit=100, filter=filter, sort=sort)))
    rounds = iter([(0,), (100,)] * 10)
    find = Planner.few

    def alternating(planner: Planner, asked: Filter) -> object:
        monkeypatch.setattr(plans, "ROUNDS", next(rounds))
        return find(planner, asked)

    monkeypatch.setattr(Planner, "few", alternating)
    assert list(chain(*await pages(store, limit=2, filter=filter, sort=sort))) == whole


def _births(low: float, high: float) -> Within:
    return Within("birthdate", low_from=low, high_to=high)


SELECTIVE: list[Filter] = [
    Equals("identifier", "i7"),
    Equals("_id", "r7"),
    Or((Equals("_id", "r7"), Equals("_id", "r8"))),
    Prefix("family", "f7"),
    And((Prefix("family", "f7"), Equals("gender", "m"))),
    And((Prefix("family", "f7"), Not(Equals("gender", "m")), _births(0.0, 900.0))),
    Or((Equals("identifier", "i1"), Equals("identifier", "i2"))),
    _births(30.0, 40.0),
    Within("birthdate", high_from=4_900.0),
    Within("birthdate", low_to=40.0),
    Within("_lastUpdated", low_from=0.0, high_to=1.0),
    Equals("gender", "m"),
]


@pytest.mark.parametrize("filter", SELECTIVE)
async def test_a_selective_search_reads_no_table_from_end_to_end(
    store: SqliteStore, tmp_path: Path, filter: Filter
) -> None:
    await _populate(store)
    steps = _plan(tmp_path, filter, ())
    assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step], steps
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps, steps
    used = " ".join(steps)
    assert "ix_" in used or "resource" in used or "sqlite_autoindex_resource" in used


@pytest.mark.parametrize("code", ["family", "birthdate", "_id", "_lastUpdated"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
async def test_sorting_much_follows_an_index(
    store: SqliteStore,
    tmp_path: Path,
    code: str,
    descending: bool,
    backwards: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _populate(store)
    monkeypatch.setattr(plans, "ROUNDS", (0,))
    steps = _plan(tmp_path, Equals("gender", "m"), (Sort(code, descending),), backwards)
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps, steps


async def _populate(store: SqliteStore) -> None:
    entries: dict[str, IndexEntries] = {
        f"r{n}": {
            "identifier": [f"i{n}"],
            "family": [f"f{n}"],
            "gender": ["m" if n % 2 else "f"],
            "birthdate": [Interval(float(n), float(n))],
        }
        for n in range(500)
    }
    await filled(store, entries)


def _plan(folder: Path, filter: Filter, sort: tuple[Sort, ...], backwards: bool = False) -> list[str]:
    """What SQLite says it would do for the first page, or for the last."""
    connection = sqlite3.connect(folder / "index.sqlite")
    planner = Planner(Numbers(connection, Codes(), {"Patient": 1}), "Patient")
    keys = tuple(sort_key(planner, one) for one in sort)
    order = Order(keys, None, 21, bool(sort) and sort[0].descending, backwards)
    scope, lead = planner.scope(filter), keys[0].column if keys else None
    if keys and keys[0].entries is not None:
        entries = keys[0].entries
        scope = plans.Scope(entries.text, (entries.number,), "e.pk").narrowed(planner.condition(filter))
        lead = entries.column
    elif keys:
        scope = planner.all().narrowed(planner.condition(filter))
    found = order.statement(scope, lead)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {found.text}", found.values).fetchall()
    connection.close()
    return [row[3] for row in rows]
