"""Search and count: which collection a filter is best begun in, and one aggregation from there.

    ids named        the documents of those ids
    one look         its rows in the order of their ids, joined to the documents: one query
    several looks    each counted up to a bound, at the same time; then as for the shortest
    none, or all long   the documents in the order of their ids: a page fills soon

Whatever the beginning, the whole filter is applied to the documents. Reads are snapshots: a row and
its document are of one moment. A page goes on behind the last id, or, sorted, behind the last
sort values and id.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from fhir_mpi.search.filters import Filter, Query
from fhir_mpi.storage.mongo.documents import Document, stored_version
from fhir_mpi.storage.mongo.filters import Look, Rows, compiled, ids_of, looks
from fhir_mpi.storage.mongo.hops import without_hops
from fhir_mpi.storage.mongo.indexes import Database
from fhir_mpi.storage.mongo.sorting import behind, position, sort_fields, sort_order
from fhir_mpi.storage.port import Page

LONG: Final = 1_000  # rows of a look from which reading documents in order is the better guess
MOST_LOOKS: Final = 4  # counted against each other

Stages = list[Document]


async def search(database: Database, query: Query) -> Page:
    """One page, and where the next one and the one before it begin."""
    query = replace(query, filter=await _settled(database, query.filter))
    look = await _shortest_look(database, query.type, query.filter)
    start, stages = _begin(query.type, query.filter, look)
    stages += _ordered(query, look) if query.sort else _in_order_of_ids(query, look)
    found = await _results(_snapshot(database, start), [*stages, {"$project": {"ix": 0}}])
    ahead, back = len(found) > query.limit, query.after is not None
    page = found[: query.limit]
    if query.backwards:
        page.reverse()
        ahead, back = back, ahead
    return Page(
        [stored_version(query.type, document) for document in page],
        next=position(query.sort, page[-1]) if ahead and page else None,
        previous=position(query.sort, page[0]) if back and page else None,
    )


async def count(database: Database, type: str, filter: Filter) -> int:
    """How many current resources the filter finds."""
    filter = await _settled(database, filter)
    look = await _shortest_look(database, type, filter)
    start, stages = _begin(type, filter, look)
    if look is None or not look.whole:
        stages += _documents(type, filter, look)
    elif not look.by_id:
        stages.append({"$group": {"_id": "$id"}})
    found = await _results(_snapshot(database, start), [*stages, {"$count": "found"}])
    return int(found[0]["found"]) if found else 0


async def ids(database: Database, type: str, filter: Filter, limit: int) -> list[str]:
    """The ids of what the filter finds, in their order, the first `limit` of them."""
    query = Query(type, await _settled(database, filter), limit)
    look = await _shortest_look(database, type, query.filter)
    start, stages = _begin(type, query.filter, look)
    stages += [*_in_order_of_ids(query, look), {"$limit": limit}, {"$project": {"_id": 1}}]
    return [document["_id"] for document in await _results(_snapshot(database, start), stages)]


async def _settled(database: Database, filter: Filter) -> Filter:
    """The filter with its references followed."""

    async def ask(type: str, filter: Filter, stages: Sequence[Document]) -> list[Document]:
        look = await _shortest_look(database, type, filter)
        start, begun = _begin(type, filter, look)
        return await _results(_snapshot(database, start), [*begun, *_documents(type, filter, look), *stages])

    return await without_hops(filter, ask)


async def texts(database: Database, type: str, code: str, limit: int) -> list[str]:
    """The different texts of one code, in order; MongoDB reads one row of the index for each."""
    stages: Stages = [
        {"$match": {"code": {"$eq": code}}},
        {"$group": {"_id": "$text"}},
        {"$sort": {"_id": 1}},
        {"$limit": limit},
    ]
    return [row["_id"] for row in await _results(_snapshot(database, f"{type}.texts"), stages)]


async def _shortest_look(database: Database, type: str, filter: Filter) -> Look | None:
    """The look to begin with; one alone is taken unseen, as it is never much worse than none."""
    if ids_of(filter) is not None:
        return None
    found = looks(filter)[:MOST_LOOKS]
    if len(found) < 2:
        return found[0] if found else None
    lengths = await asyncio.gather(*(_length(database, type, look) for look in found))
    shortest = min(range(len(found)), key=lengths.__getitem__)
    return found[shortest] if lengths[shortest] < LONG else None


async def _length(database: Database, type: str, look: Look) -> int:
    """How many rows it has, counted up to LONG."""
    rows = database[f"{type}.{look.rows[0].kind}"]
    found = await _results(rows, [*_union(type, look.rows), {"$limit": LONG}, {"$count": "found"}])
    return int(found[0]["found"]) if found else 0


def _begin(type: str, filter: Filter, look: Look | None) -> tuple[str, Stages]:
    """The collection to begin in, and the first stages there."""
    if look is not None:
        return f"{type}.{look.rows[0].kind}", _union(type, look.rows)
    ids = ids_of(filter)
    return type, [] if ids is None else [{"$match": {"_id": {"$in": sorted(ids)}}}]


def _union(type: str, rows: Sequence[Rows]) -> Stages:
    first, *others = rows
    stages: Stages = [{"$match": match} for match in first.matches]
    for other in others:
        matches = [{"$match": match} for match in other.matches]
        stages.append({"$unionWith": {"coll": f"{type}.{other.kind}", "pipeline": matches}})
    return stages


def _in_order_of_ids(query: Query, look: Look | None) -> Stages:
    """From the begun rows or documents to one resource more than the page, by id."""
    past, direction = ("$lt", -1) if query.backwards else ("$gt", 1)
    key = "id" if look is not None and look.by_id else "_id"
    grouped: Stages = [] if look is None or look.by_id else [{"$group": {"_id": "$id"}}]
    following: Stages = [{"$match": {key: {past: query.after}}}] if query.after is not None else []
    limit: Stages = [{"$limit": query.limit + 1}]
    early = limit if look is not None and look.whole else []
    joined = [] if look is None else _joined(query.type, key)
    return [
        *grouped,
        *following,
        {"$sort": {key: direction}},
        *early,
        *joined,
        *_remaining(query.filter),
        *limit,
    ]


def _ordered(query: Query, look: Look | None) -> Stages:
    """From the begun rows or documents to one resource more than the page, as the query sorts."""
    following: Stages = [] if query.after is None else [{"$match": behind(query)}]
    return [
        *_documents(query.type, query.filter, look),
        *sort_fields(query.sort),
        *following,
        {"$sort": sort_order(query)},
        {"$limit": query.limit + 1},
    ]


def _documents(type: str, filter: Filter, look: Look | None) -> Stages:
    if look is None:
        return _remaining(filter)
    grouped: Stages = [] if look.by_id else [{"$group": {"_id": "$id"}}]
    return [*grouped, *_joined(type, "id" if look.by_id else "_id"), *_remaining(filter)]


def _joined(type: str, key: str) -> Stages:
    return [
        {"$lookup": {"from": type, "localField": key, "foreignField": "_id", "as": "found"}},
        {"$unwind": "$found"},
        {"$replaceRoot": {"newRoot": "$found"}},
    ]


def _remaining(filter: Filter) -> Stages:
    """Two stages, not one: an index on the first is then used, whatever the second is."""
    rest = compiled(filter)
    current: Document = {"$match": {"deleted": False}}
    return [current, {"$match": rest}] if rest else [current]


def _snapshot(database: Database, name: str) -> AsyncCollection[Document]:
    return database.get_collection(name, read_concern=ReadConcern("snapshot"))


async def _results(collection: AsyncCollection[Document], pipeline: Sequence[Any]) -> list[Document]:
    return await (await collection.aggregate(pipeline)).to_list()
