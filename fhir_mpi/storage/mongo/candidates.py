"""Candidate records by blocking key: one query, a second round only where a key may be over the cap."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from bson import Int64
from pymongo.asynchronous.collection import AsyncCollection

from fhir_mpi.mdm.ports import CandidateRow, CandidateSet
from fhir_mpi.storage.mongo.documents import Document
from fhir_mpi.storage.mongo.indexes import Database
from fhir_mpi.storage.populations import MANY

FIRST_LOOK: Final = 2_000  # records the first query may bring
NO_LIMIT: Final = 0  # no key of the second round had more than `cap` records a moment ago

_WANTED: Final = {"keys": 1, "packed": 1}


async def candidates(database: Database, type: str, keys: Collection[int], cap: int) -> CandidateSet:
    """All of every key that at most `cap` records have; the other keys named."""
    probe = frozenset(keys)
    collection = database[f"{type}.candidates"]
    if not probe:
        return CandidateSet([], frozenset())
    found = await _sharing(collection, probe, FIRST_LOOK + 1)
    if len(found) <= FIRST_LOOK:
        return candidate_set(found, probe, cap)
    over = await _over(collection, probe, cap)
    kept = probe - over
    rest = candidate_set(await _sharing(collection, kept, NO_LIMIT), kept, cap)
    return CandidateSet(rest.rows, rest.skipped | over)


def candidate_set(found: Sequence[Document], probe: frozenset[int], cap: int) -> CandidateSet:
    """The records that share a key which is not over the cap; `found` is every record of every key.

    >>> found = [{"_id": "a", "keys": [1, 2], "packed": "A"}, {"_id": "b", "keys": [1], "packed": "B"}]
    >>> candidate_set(found, frozenset({1, 2}), cap=1)
    CandidateSet(rows=[CandidateRow(id='a', packed='A')], skipped=frozenset({1}))
    """
    shared = [probe.intersection(document["keys"]) for document in found]
    counts = Counter(key for keys in shared for key in keys)
    over = frozenset(key for key, count in counts.items() if count > cap)
    kept = (document for document, keys in zip(found, shared, strict=True) if keys - over)
    return CandidateSet([CandidateRow(document["_id"], document["packed"]) for document in kept], over)


async def records(database: Database, type: str, ids: Collection[str]) -> Sequence[CandidateRow]:
    """The candidate records with these ids."""
    found = database[f"{type}.candidates"].find({"_id": {"$in": sorted(set(ids))}}, {"packed": 1})
    return [CandidateRow(document["_id"], document["packed"]) for document in await found.to_list()]


async def population(database: Database, type: str) -> int:
    """Exact where it is small; of many, what the collection's own statistics say."""
    collection = database[f"{type}.candidates"]
    about = await collection.estimated_document_count()
    return about if about >= MANY else await collection.count_documents({})


async def _sharing(collection: AsyncCollection[Document], keys: frozenset[int], limit: int) -> list[Document]:
    if not keys:
        return []
    return await collection.find(_any_of(keys), _WANTED).limit(limit).to_list()


async def _over(collection: AsyncCollection[Document], keys: frozenset[int], cap: int) -> frozenset[int]:
    """The keys that more than `cap` records have, none counted further than that."""
    each = sorted(keys)
    counts = await asyncio.gather(
        *(collection.count_documents({"keys": {"$eq": Int64(key)}}, limit=cap + 1) for key in each)
    )
    return frozenset(key for key, count in zip(each, counts, strict=True) if count > cap)


def _any_of(keys: frozenset[int]) -> Document:
    return {"keys": {"$in": [Int64(key) for key in sorted(keys)]}}
