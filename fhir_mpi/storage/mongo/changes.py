"""Versions of whole types by their time: a page of each type's history, merged."""

import asyncio
import json

from bson.datetime_ms import DatetimeMS

from fhir_mpi.storage.mongo.documents import Document, history_id, stored_version
from fhir_mpi.storage.mongo.indexes import Database
from fhir_mpi.storage.mongo.resources import AFTER_VERSIONS
from fhir_mpi.storage.port import Changes, Page

Key = tuple[int, str, str]
"""Milliseconds, type and `_id` of a version: its place in the order."""


async def changes(database: Database, query: Changes) -> Page:
    """One page, and where the next one starts."""
    after: Key | None = tuple(json.loads(query.after)) if query.after is not None else None
    groups = await asyncio.gather(*(_of_type(database, type, query, after) for type in query.types))
    found = sorted((row for group in groups for row in group), key=_key, reverse=not query.oldest_first)
    page = found[: query.limit]
    following = json.dumps(_key(page[-1])) if page and len(found) > len(page) else None
    return Page([stored_version(type, document) for type, document in page], following)


async def _of_type(
    database: Database, type: str, query: Changes, after: Key | None
) -> list[tuple[str, Document]]:
    """One version more than the page of one type."""
    tests: list[Document] = []
    if query.since is not None:
        tests.append({"lastUpdated": {"$gte": query.since}})
    if query.until is not None:
        tests.append({"lastUpdated": {"$lte": query.until}})
    if query.id is not None:
        tests.append({"_id": {"$gte": history_id(query.id, 0), "$lt": f"{query.id}{AFTER_VERSIONS}"}})
    if after is not None:
        tests += _behind(type, query.oldest_first, after)
    direction = 1 if query.oldest_first else -1
    found = database[f"{type}.history"].find({"$and": tests} if tests else {})
    found = found.sort([("lastUpdated", direction), ("_id", direction)]).limit(query.limit + 1)
    return [(type, document) async for document in found]


def _behind(type: str, oldest_first: bool, after: Key) -> list[Document]:
    """The versions of a type that a position leaves; types follow each other within a millisecond."""
    moment, last_type, last_id = DatetimeMS(after[0]), after[1], after[2]
    beyond, from_on = ("$gt", "$gte") if oldest_first else ("$lt", "$lte")
    if type == last_type:
        same = {"lastUpdated": {"$eq": moment}, "_id": {beyond: last_id}}
        # the first narrows what is read of the index, the second is the exact one
        return [{"lastUpdated": {from_on: moment}}, {"$or": [{"lastUpdated": {beyond: moment}}, same]}]
    follows = type > last_type if oldest_first else type < last_type
    return [{"lastUpdated": {from_on if follows else beyond: moment}}]


def _key(row: tuple[str, Document]) -> Key:
    type, document = row
    return int(DatetimeMS(document["lastUpdated"])), type, document["_id"]
