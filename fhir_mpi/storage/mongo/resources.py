"""Reading resources: the current version, earlier ones, many at once, all of them."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final

from fhir_mpi.storage.mongo.documents import Document, history_id, stored_version
from fhir_mpi.storage.mongo.indexes import Database
from fhir_mpi.storage.port import Head, Stored

BATCH: Final = 500  # documents a scan holds at a time
_WITHOUT_INDEX: Final = {"ix": 0}
AFTER_VERSIONS: Final = "0"  # the character after the slash in history ids


async def read(database: Database, type: str, id: str) -> Stored | None:
    found = await database[type].find_one({"_id": {"$eq": id}}, _WITHOUT_INDEX)
    return None if found is None else stored_version(type, found)


async def read_version(database: Database, type: str, id: str, version: int) -> Stored | None:
    found = await database[f"{type}.history"].find_one({"_id": {"$eq": history_id(id, version)}})
    return None if found is None else stored_version(type, found)


async def read_many(database: Database, type: str, ids: Sequence[str]) -> list[Stored]:
    found = await _by_id(database, type, ids, _WITHOUT_INDEX)
    current = {id: document for id, document in found.items() if not document["deleted"]}
    return [stored_version(type, current[id]) for id in ids if id in current]


async def heads(database: Database, type: str, ids: Collection[str]) -> Mapping[str, Head]:
    found = await _by_id(database, type, ids, {"version": 1, "lastUpdated": 1, "deleted": 1})
    return {id: Head(doc["version"], doc["lastUpdated"], doc["deleted"]) for id, doc in found.items()}


async def history(database: Database, type: str, id: str, limit: int, before: int | None) -> list[Stored]:
    end = f"{id}{AFTER_VERSIONS}" if before is None else history_id(id, max(before, 0))
    found = database[f"{type}.history"].find({"_id": {"$gte": history_id(id, 0), "$lt": end}})
    return [stored_version(type, document) async for document in found.sort("_id", -1).limit(limit)]


async def version_count(database: Database, type: str, id: str) -> int:
    return await database[f"{type}.history"].count_documents({"_id": versions_of(id)})


def versions_of(id: str) -> Document:
    """The range of `_id` in which a history collection has the versions of a resource."""
    return {"$gte": history_id(id, 0), "$lt": f"{id}{AFTER_VERSIONS}"}


async def scan(database: Database, type: str, *, history: bool, behind: str | None) -> AsyncIterator[Stored]:
    """By id, in batches that each begin behind the last: no cursor has to outlive a pause."""
    collection = database[f"{type}.history" if history else type]
    last = f"{behind}{AFTER_VERSIONS}" if history else behind
    after: Document = {} if behind is None else {"_id": {"$gt": last}}
    while True:
        batch = await collection.find(after, _WITHOUT_INDEX).sort("_id", 1).limit(BATCH).to_list()
        for document in batch:
            if history or not document["deleted"]:
                yield stored_version(type, document)
        if len(batch) < BATCH:
            return
        after = {"_id": {"$gt": batch[-1]["_id"]}}


async def _by_id(
    database: Database, type: str, ids: Collection[str], projection: Mapping[str, int]
) -> dict[str, Document]:
    if not ids:
        return {}
    found = database[type].find({"_id": {"$in": sorted(set(ids))}}, projection)
    return {document["_id"]: document async for document in found}
