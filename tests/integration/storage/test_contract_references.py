"""The store contract: filters about what a resource refers to, and about what refers to it."""

from random import Random

import pytest

from fhir_mpi.fhir.outcome import TooCostly
from fhir_mpi.search.filters import (
    EVERYTHING,
    And,
    Contains,
    Equals,
    Filter,
    IndexEntries,
    Not,
    Or,
    Prefix,
    Present,
    Referred,
    Refers,
    Sort,
)
from fhir_mpi.storage.mongo import hops
from fhir_mpi.storage.port import Store
from fhir_mpi.storage.sqlite import plans
from tests.integration.storage.chance import any_entries, any_filter
from tests.integration.storage.writes import commit, deletion, filled, found, pages, put
from tests.unit.search.findings import holds

BASE = "https://mpi.example.org/fhir/"
TO_PATIENT = ("Patient/", f"{BASE}Patient/")
TO_ORGANIZATION = ("Organization/", f"{BASE}Organization/")
ORGANIZATIONS: dict[str, IndexEntries] = {
    "north": {"name": ["north"], "type": ["=a"], "contact": ["Patient/p1", "=p1"]},
    "south": {"name": ["south"], "partof": ["Organization/north", "=north"]},
    "p1": {"name": ["same id as a patient"], "contact": [f"{BASE}Patient/p2"]},
}
PATIENTS: dict[str, IndexEntries] = {
    "p1": {"organization": ["Organization/north", "=north"], "gender": ["m"]},
    "p2": {"organization": [f"{BASE}Organization/south"], "gender": ["f"]},
    "p3": {"organization": ["Organization/south/_history/2", "Organization/south", "=south"]},
    "p4": {"organization": ["https://elsewhere.example/fhir/Organization/north"]},
    "p5": {"organization": ["Organization/gone", "=gone"]},
    "p6": {"gender": ["m"]},
}


def of(filter: Filter, code: str = "organization") -> Refers:
    return Refers(code, "Organization", filter, TO_ORGANIZATION)


def by(filter: Filter, code: str = "contact") -> Referred:
    return Referred("Organization", code, filter, TO_PATIENT)


CASES: list[tuple[Filter, set[str]]] = [
    (of(Equals("name", "north")), {"p1"}),
    (of(Prefix("name", "so")), {"p2", "p3"}),
    (of(Contains("name", "or")), {"p1"}),
    (of(EVERYTHING), {"p1", "p2", "p3"}),
    (of(Equals("name", "nobody")), set()),
    (of(Equals("name", "north"), "absent"), set()),
    (of(Equals("_id", "south")), {"p2", "p3"}),
    (Not(of(Equals("name", "north"))), {"p2", "p3", "p4", "p5", "p6"}),
    (of(Not(Equals("name", "north"))), {"p2", "p3"}),
    (of(Not(Present("type"))), {"p2", "p3"}),
    (of(Present("type")), {"p1"}),
    (And((of(EVERYTHING), Equals("gender", "m"))), {"p1"}),
    (Or((of(Equals("type", "=a")), Equals("gender", "m"))), {"p1", "p6"}),
    (of(of(Equals("name", "north"), "partof")), {"p2", "p3"}),
    (by(Equals("name", "north")), {"p1"}),
    (by(EVERYTHING), {"p1", "p2"}),
    (by(Not(Present("type"))), {"p2"}),
    (by(Equals("name", "south")), set()),
    (by(EVERYTHING, "absent"), set()),
    (Not(by(EVERYTHING)), {"p3", "p4", "p5", "p6"}),
    (And((by(EVERYTHING), of(EVERYTHING), Equals("gender", "f"))), {"p2"}),
    (
        of(Referred("Organization", "partof", Equals("name", "south"), TO_ORGANIZATION)),
        {"p1"},
    ),
    (by(Refers("contact", "Patient", Equals("gender", "f"), TO_PATIENT)), {"p2"}),
]


@pytest.mark.parametrize(("filter", "ids"), CASES)
@pytest.mark.parametrize("rounds", [plans.ROUNDS, (0,)])
async def test_a_filter_over_references_finds(
    store: Store, monkeypatch: pytest.MonkeyPatch, rounds: tuple[int, ...], filter: Filter, ids: set[str]
) -> None:
    monkeypatch.setattr(plans, "ROUNDS", rounds)
    await filled(store, ORGANIZATIONS, type="Organization")
    await filled(store, PATIENTS)
    assert await found(store, filter) == ids


async def test_what_is_deleted_neither_refers_nor_is_referred_to(store: Store) -> None:
    await filled(store, ORGANIZATIONS, type="Organization")
    await filled(store, PATIENTS)
    await commit(store, deletion("north", expected=1, type="Organization"), deletion("p3", expected=1))
    assert await found(store, of(EVERYTHING)) == {"p2"}
    assert await found(store, by(EVERYTHING)) == {"p2"}
    await commit(store, put("north", {"name": ["back"]}, type="Organization", expected=2))
    assert await found(store, of(Equals("name", "back"))) == {"p1"}


@pytest.mark.parametrize("rounds", [plans.ROUNDS, (0,)])
async def test_any_tree_with_references_finds_what_its_definition_says(
    store: Store, monkeypatch: pytest.MonkeyPatch, rounds: tuple[int, ...]
) -> None:
    monkeypatch.setattr(plans, "ROUNDS", rounds)
    random = Random(11)
    patients = {f"r{n}": {**any_entries(random), "to": _some(random, TO_ORGANIZATION)} for n in range(30)}
    others = {f"r{n}": {**any_entries(random), "to": _some(random, TO_PATIENT)} for n in range(30)}
    await filled(store, patients)
    await filled(store, others, type="Organization")
    world = {"Patient": patients, "Organization": others}
    for _ in range(100):
        filter = _tree(random, 2)
        expected = {id for id, index in patients.items() if holds(filter, index, id, world)}
        assert await found(store, filter) == expected, filter


async def test_pages_over_references_go_on_and_are_sorted(store: Store) -> None:
    await filled(store, ORGANIZATIONS, type="Organization")
    many: dict[str, IndexEntries] = {
        f"m{n}": {"organization": ["Organization/north"], "family": [f"f{9 - n}"]} for n in range(7)
    }
    await filled(store, many)
    north = of(Equals("name", "north"))
    in_order = await pages(store, limit=3, filter=north)
    assert [len(page) for page in in_order] == [3, 3, 1]
    assert {id for page in in_order for id in page} == set(many)
    assert await pages(store, limit=4, filter=north, sort=[Sort("family")]) == [
        ["m6", "m5", "m4", "m3"],
        ["m2", "m1", "m0"],
    ]


@pytest.mark.mongo
async def test_mongodb_follows_references_over_so_many_resources(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has no such bound: it tests resource by resource where the other ends are many."""
    monkeypatch.setattr(hops, "MOST", 2)
    monkeypatch.setattr(plans, "ROUNDS", (2,))
    await filled(store, ORGANIZATIONS, type="Organization")
    await filled(store, PATIENTS)
    assert await found(store, of(Present("type"))) == {"p1"}
    if "Sqlite" in type(store).__name__:
        assert await found(store, of(EVERYTHING)) == {"p1", "p2", "p3"}
        return
    for filter in (of(EVERYTHING), Not(of(EVERYTHING))):
        with pytest.raises(TooCostly, match="more than 2 resources"):
            await found(store, filter)


def _some(random: Random, written: tuple[str, ...]) -> list[str]:
    return sorted({random.choice(written) + f"r{random.randrange(34)}" for _ in range(random.randrange(3))})


def _tree(random: Random, hops: int, type: str = "Patient") -> Filter:
    other, to, back = (
        ("Organization", TO_ORGANIZATION, TO_PATIENT)
        if type == "Patient"
        else ("Patient", TO_PATIENT, TO_ORGANIZATION)
    )
    if not hops:
        return any_filter(random, 1)
    inner = _tree(random, random.randrange(hops), other)
    hop: Filter = (
        Refers("to", other, inner, to) if random.random() < 0.5 else Referred(other, "to", inner, back)
    )
    around: tuple[Filter, ...] = (
        hop,
        Not(hop),
        And((hop, any_filter(random, 1))),
        Or((hop, any_filter(random, 1))),
    )
    return random.choice(around)
