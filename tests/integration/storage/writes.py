"""Builders for what the contract suite stores: short names for long literals, nothing else."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fhir_mpi.search.filters import EVERYTHING, Filter, IndexEntries, Query, Sort
from fhir_mpi.storage.port import CandidateEntry, Store, Stored, UnitOfWork, Write

START = datetime(2024, 5, 1, 12, 0, 0, 123000, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def millis(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def body(type: str, id: str, version: int, **elements: object) -> bytes:
    found = {"resourceType": type, "id": id, "meta": {"versionId": str(version)}, **elements}
    return json.dumps(found, ensure_ascii=False).encode()


def put(
    id: str,
    index: IndexEntries | None = None,
    *,
    type: str = "Patient",
    expected: int = 0,
    when: datetime | None = None,
    keys: Iterable[int] = (),
    packed: str = "",
    **elements: object,
) -> Write:
    """A write of version `expected + 1`; without `keys` and `packed` it has no candidate record."""
    version = expected + 1
    moment = when or at(version)
    method = "PUT" if expected else "POST"
    stored = Stored(type, id, version, moment, method, body(type, id, version, **elements))
    keys = frozenset(keys)
    candidate = CandidateEntry(keys, packed) if keys or packed else None
    return Write(stored, expected, index or {}, candidate)


def deletion(id: str, *, expected: int, type: str = "Patient") -> Write:
    return Write(Stored(type, id, expected + 1, at(expected + 1), "DELETE", b""), expected, {})


def renumbered(write: Write, version: int) -> Write:
    return replace(write, version=replace(write.version, version=version), expected=version - 1)


async def commit(store: Store, *writes: Write) -> None:
    await store.commit(UnitOfWork(writes))


async def filled(store: Store, entries: Mapping[str, IndexEntries], type: str = "Patient") -> None:
    """One resource per id with these index entries, in this order."""
    await commit(store, *(put(id, index, type=type) for id, index in entries.items()))


async def found(store: Store, filter: Filter, type: str = "Patient") -> set[str]:
    """The ids that a search finds, checked against what a count says."""
    page = await store.search(Query(type, filter, 1000))
    ids = [stored.id for stored in page.resources]
    assert len(ids) == len(set(ids)) == await store.count(type, filter)
    return set(ids)


async def pages(
    store: Store, *, limit: int, filter: Filter = EVERYTHING, sort: Sequence[Sort] = ()
) -> list[list[str]]:
    """The ids of every page of Patients, following `next` to the end; `previous` leads back over the same."""
    query = Query("Patient", filter, limit, tuple(sort))
    page = await store.search(query)
    assert page.previous is None
    read = [[stored.id for stored in page.resources]]
    while page.next is not None:
        assert len(read) < 1000, "the pages have no end"
        page = await store.search(replace(query, after=page.next))
        read.append([stored.id for stored in page.resources])
    await check_backwards(store, query, page.previous, read)
    return read


async def check_backwards(store: Store, query: Query, position: str | None, read: list[list[str]]) -> None:
    """That `previous` leads from the last of the pages to the first, and `next` from each to the other."""
    for number in reversed(range(len(read) - 1)):
        assert position is not None
        page = await store.search(replace(query, after=position, backwards=True))
        assert [stored.id for stored in page.resources] == read[number]
        forth = await store.search(replace(query, after=page.next))
        assert [stored.id for stored in forth.resources] == read[number + 1]
        position = page.previous
    assert position is None


def exact(data: bytes) -> Any:
    """JSON parsed so that equality sees every digit of a decimal and the order of keys."""
    return json.loads(data, parse_float=_digits, object_pairs_hook=lambda pairs: pairs)


def _digits(text: str) -> tuple[str, str]:
    return ("decimal", str(Decimal(text)))


def same(one: Stored | None, other: Stored | None) -> bool:
    """Whether two stored versions say the same; their bytes may differ in white space only."""
    if one is None or other is None:
        return one is other
    if one.deleted or other.deleted:
        return _facts(one) == _facts(other) and one.json == other.json
    return _facts(one) == _facts(other) and exact(one.json) == exact(other.json)


def _facts(stored: Stored) -> tuple[object, ...]:
    return (stored.type, stored.id, stored.version, stored.last_updated, stored.method)
