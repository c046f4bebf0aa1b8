"""The store contract: a claim has one holder, taken with the unit of work or not at all."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from fhir_mpi.search.filters import EVERYTHING
from fhir_mpi.storage.port import Claim, ClaimConflict, Store, UnitOfWork, WriteConflict
from fhir_mpi.storage.sqlite import SqliteStore
from tests.integration.storage.writes import found, put


async def test_a_claim_that_nobody_took_has_no_holder(store: Store) -> None:
    assert await store.holder("k") is None


async def test_a_claim_is_taken_with_the_writes_beside_it(store: Store, other: Store) -> None:
    await store.commit(UnitOfWork([put("a")], [Claim("k", "Patient/a", None), Claim("l", "Patient/a", None)]))
    assert [await s.holder(key) for s in (store, other) for key in "klm"] == [
        "Patient/a",
        "Patient/a",
        None,
    ] * 2


async def test_a_claim_can_be_taken_alone_and_taken_over(store: Store) -> None:
    await store.commit(UnitOfWork((), [Claim("k", "Patient/a", None)]))
    await store.commit(UnitOfWork((), [Claim("k", "Patient/b", "Patient/a")]))
    assert await store.holder("k") == "Patient/b"


@pytest.mark.parametrize(("held", "expected"), [("Patient/a", None), ("Patient/a", "Patient/b"), (None, "x")])
async def test_nothing_is_done_where_somebody_else_holds_the_claim(
    store: Store, held: str | None, expected: str | None
) -> None:
    if held:
        await store.commit(UnitOfWork((), [Claim("k", held, None)]))
    with pytest.raises(ClaimConflict) as refused:
        await store.commit(
            UnitOfWork([put("a")], [Claim("first", "Patient/a", None), Claim("k", "Patient/a", expected)])
        )
    assert refused.value.key == "k"
    assert await store.holder("k") == held
    assert await store.holder("first") is None
    assert await found(store, EVERYTHING) == set()


async def test_no_claim_is_taken_where_a_write_conflicts(store: Store) -> None:
    with pytest.raises(WriteConflict):
        await store.commit(UnitOfWork([put("a", expected=3)], [Claim("k", "Patient/a", None)]))
    assert await store.holder("k") is None


async def test_of_fifty_that_claim_the_same_one_wins(store: Store, other: Store) -> None:
    async def attempt(number: int) -> bool:
        claim = Claim("k", f"Patient/p{number}", None)
        try:
            await (store, other)[number % 2].commit(UnitOfWork([put(f"p{number}")], [claim]))
        except ClaimConflict:
            return False
        return True

    outcomes = await asyncio.gather(*(attempt(number) for number in range(50)))
    assert Counter(outcomes) == {True: 1, False: 49}
    winner = f"p{outcomes.index(True)}"
    assert await store.holder("k") == f"Patient/{winner}"
    assert await found(store, EVERYTHING) == {winner}


async def test_a_file_that_was_made_before_there_were_claims_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    await (await SqliteStore.open(str(path), types=["Patient"], timeout=5.0)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE claim")
    store = await SqliteStore.open(str(path), types=["Patient"], timeout=5.0)
    await store.commit(UnitOfWork([put("a")], [Claim("k", "Patient/a", None)]))
    assert await store.holder("k") == "Patient/a"
    await store.close()


async def test_several_claims_are_looked_up_at_once(store: Store) -> None:
    claims = [Claim(f"k{n}", f"Patient/p{n}", None) for n in range(3)]
    await store.commit(UnitOfWork([put("p0")], claims))
    assert await store.holders(["k0", "k2", "other"]) == {"k0": "Patient/p0", "k2": "Patient/p2"}
    assert await store.holders([]) == {}
