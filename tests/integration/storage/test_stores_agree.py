"""The same search has the same answer on both stores: what the index entries of all resources say.

Besides the two stores there is a third opinion, the plainest reading of a filter there is.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, total_ordering
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.filters import IndexEntries, IndexValue, Interval, Query, Sort
from fhir_mpi.search.parameter import COLUMNS
from fhir_mpi.search.registry import REFERENCES
from fhir_mpi.storage.opening import open_store
from fhir_mpi.storage.port import Store
from tests.integration.storage.writes import commit, put
from tests.unit.search.findings import holds
from tests.unit.search.invented import TYPES, resources, searches
from tests.unit.search.served import registry, request

EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "r5" / "examples"
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
Pair = tuple[str, str]

pytestmark = pytest.mark.mongo


class Both:
    """The two stores, and the index entries of all that is in both of them."""

    def __init__(self, *stores: Store) -> None:
        self.stores = stores
        self.entries: dict[str, dict[str, IndexEntries]] = {type: {} for type in TYPES}

    async def add(self, added: Iterable[Resource]) -> None:
        writes = []
        for resource in added:
            type, id, index = resource["resourceType"], uuid4().hex, registry().index(resource)
            self.entries[type][id] = index
            writes.append(put(id, index, type=type))
        for store in self.stores:
            await commit(store, *writes)

    async def check(self, type: str, *pairs: Pair) -> set[str]:
        """The ids that both stores find, in the order that is asked for."""
        asked = request(pairs, type)
        answers = []
        for store in self.stores:
            page = await store.search(Query(type, asked.filter, 1000, asked.results.sort))
            answers.append([stored.id for stored in page.resources])
            assert len(page.resources) == await store.count(type, asked.filter)
        known = self.entries[type]
        found = {id for id, index in known.items() if holds(asked.filter, index, id)}
        ordered = [[rank(id, known[id], asked.results.sort) for id in answer] for answer in answers]
        assert [set(answer) for answer in answers] == [found, found], pairs
        assert ordered == [sorted(ordered[0])] * 2, pairs
        return found


@total_ordering
@dataclass(frozen=True)
class Downwards:
    value: Any

    def __lt__(self, other: "Downwards") -> bool:
        return bool(other.value < self.value)


def rank(id: str, index: IndexEntries, sort: Iterable[Sort]) -> list[Any]:
    """Where a resource stands in a sorted answer; those that are equal stand as each store likes."""
    found: list[Any] = []
    for key in sort:
        columns: dict[str, list[Any]] = {"_id": [id], "_lastUpdated": [0]}
        values = columns.get(key.code) or [_low(value) for value in index.get(key.code, ())]
        best = [Downwards(max(values)) if key.descending else min(values)] if values else []
        found += [not values, best]
    return found


def _low(value: IndexValue) -> float | str:
    return value.low if isinstance(value, Interval) else value


@pytest.fixture(scope="module")
async def both(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    file = tmp_path_factory.mktemp("stores") / "index.sqlite"
    database = urlunsplit(urlsplit(mongo_uri)._replace(path=f"/test_{uuid4().hex}"))
    stores = [await open_store(url, types=TYPES) for url in (f"sqlite:///{file}", database)]
    yield Both(*stores)
    for store in stores:
        await store.close()


@cache
def examples() -> list[Resource]:
    """The official examples of every type that is served."""
    if not EXAMPLES.is_dir():
        pytest.skip("the official examples are not here: only invented resources are searched for")
    read = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(EXAMPLES.glob("*.json"))]
    return [resource for resource in read if resource["resourceType"] in TYPES]


@pytest.fixture(scope="module")
async def both_with_examples(both: Both) -> Both:
    await both.add(examples())
    return both


def pairs(resource: Resource) -> Iterator[Pair]:
    """A search for every entry of a resource."""
    known = registry().parameters(resource["resourceType"])
    for code, values in registry().index(resource).items():
        if code == REFERENCES:
            continue  # no parameter, but what a merge looks for
        parameter = known[code.partition(":")[0]]
        kind = "phonetic" if code == "phonetic" else parameter.type.name
        for value in values:
            yield from searches(kind, code, value)


def dates(resource: Resource) -> Iterator[Pair]:
    for code, parameter in registry().parameters(resource["resourceType"]).items():
        if parameter.type.name == "date" and code not in COLUMNS:
            for value in parameter.evaluate(resource):
                text = value if isinstance(value, str) else value.get("start", "2026")
                for length in (4, 7, 10, len(text)):
                    yield from ((code, prefix + text[:length]) for prefix in PREFIXES)


Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def with_searches(draw: Draw) -> tuple[Resource, list[Pair]]:
    """A resource, and eight of the searches that ought to find it."""
    resource = draw(st.sampled_from(TYPES).flatmap(resources))
    asked = st.sampled_from(sorted({*pairs(resource)}))
    return resource, draw(st.lists(asked, min_size=8, max_size=8, unique=True))


@settings(max_examples=60)
@given(drawn=with_searches())
async def test_what_an_invented_resource_holds_is_found(
    both: Both, drawn: tuple[Resource, list[Pair]]
) -> None:
    resource, asked = drawn
    type = resource["resourceType"]
    await both.add([resource])
    newest = list(both.entries[type])[-1]
    for name, value in asked:
        assert newest in await both.check(type, (name, value))
        assert newest not in await both.check(type, (name, value + "q"))


async def test_what_every_official_example_holds_is_found(both_with_examples: Both) -> None:
    holders = Counter((r["resourceType"], pair) for r in examples() for pair in {*pairs(r)})
    for (type, (name, value)), number in holders.items():
        assert len(await both_with_examples.check(type, (name, value))) >= number
        await both_with_examples.check(type, (name, value + "q"))
    assert len(holders) > 700


async def test_the_dates_of_every_official_example_are_found_and_others_are_not(
    both_with_examples: Both,
) -> None:
    days = {
        (r["resourceType"], code, text) for r in examples() for code, text in dates(r) if text[0].isdigit()
    }
    for type, code, text in sorted(days):
        assert await both_with_examples.check(type, (code, text))
        assert not await both_with_examples.check(type, (code, f"{int(text[:4]) + 5000}{text[4:]}"))
    assert len(days) > 50


@cache
def single(type: str) -> list[Pair]:
    return [p for r in examples() if r["resourceType"] == type for p in (*pairs(r), *dates(r))]


@st.composite
def several(draw: Draw) -> tuple[str, list[Pair]]:
    """A type, and a search by several criteria, some of them with alternatives, and maybe sorted."""
    type = draw(st.sampled_from([type for type in TYPES if single(type)]))
    known = registry().parameters(type)
    codes = sorted(known.keys() - COLUMNS)
    asked = draw(st.lists(st.sampled_from(single(type)), min_size=1, max_size=2))
    if draw(st.booleans()):
        name, value = asked[0]
        others = [another for code, another in single(type) if code == name]
        asked[0] = (name, f"{value},{draw(st.sampled_from(others))}")
    if draw(st.booleans()):
        asked.append((f"{draw(st.sampled_from(codes))}:missing", draw(st.sampled_from(("true", "false")))))
    if draw(st.booleans()):
        tokens = [code for code in codes if known[code].type.name == "token"]
        asked.append((f"{draw(st.sampled_from(tokens))}:not", "true"))
    if draw(st.booleans()):
        keys = draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=2, unique=True))
        asked.append(("_sort", ",".join(draw(st.sampled_from(("", "-"))) + key for key in keys)))
    return type, asked


@settings(max_examples=300)
@given(drawn=several())
async def test_searches_by_several_parameters_have_one_answer(
    both_with_examples: Both, drawn: tuple[str, list[Pair]]
) -> None:
    type, asked = drawn
    await both_with_examples.check(type, *asked)
