"""The queue of what waits to be linked, about in the order in which it came."""

from collections.abc import Collection, Iterable

from bson import ObjectId
from pymongo import DeleteOne, UpdateOne

from fhir_mpi.storage.mongo.connection import Session
from fhir_mpi.storage.mongo.indexes import PENDING, Database
from fhir_mpi.storage.port import Pending


async def put(database: Database, session: Session, waiting: Iterable[Pending]) -> None:
    requests = [
        UpdateOne(
            {"_id": {"$eq": _id(each)}},
            {"$max": {"version": each.version}, "$setOnInsert": {"type": each.type, "place": ObjectId()}},
            upsert=True,
        )
        for each in waiting
    ]
    if requests:
        await database[PENDING].bulk_write(requests, session=session)


async def settle(database: Database, session: Session, done: Iterable[Pending]) -> None:
    """Takes these out, unless a later version waits."""
    requests = [DeleteOne({"_id": {"$eq": _id(each)}, "version": {"$lte": each.version}}) for each in done]
    if requests:
        await database[PENDING].bulk_write(requests, session=session)


async def longest(database: Database, limit: int) -> list[Pending]:
    found = database[PENDING].find().sort("place", 1).limit(limit)
    return [Pending(d["type"], d["_id"].rpartition("/")[2], d["version"]) async for d in found]


async def drop(database: Database, session: Session, places: Collection[str]) -> None:
    await database[PENDING].delete_many({"_id": {"$in": sorted(places)}}, session=session)


def _id(each: Pending) -> str:
    return f"{each.type}/{each.id}"
