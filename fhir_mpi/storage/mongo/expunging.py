"""Removing versions for good, and with a resource's last one all that is known of it.

Each transaction looks again at what it removes: whatever another writer made current since, stays, and
one that does so at the same time changes the same document, which MongoDB lets only one of both do.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from fhir_mpi.storage.mongo import claims, links, pending, reviews
from fhir_mpi.storage.mongo.commit import Inside
from fhir_mpi.storage.mongo.connection import Connection, Session
from fhir_mpi.storage.mongo.documents import Document
from fhir_mpi.storage.mongo.resources import versions_of
from fhir_mpi.storage.port import Expunge, ExpungeKind

UNIT: Final = 500
"""Versions that go in one transaction."""
SCANNED: Final = 10_000
"""Keys of versions that are looked through at a time."""


async def expunge(connection: Connection, query: Expunge) -> int:
    """How many versions were removed."""
    if query.kind is ExpungeKind.PREVIOUS:
        return await _previous_versions(connection, query)
    gone = 0
    while gone < query.limit:
        removed = await _whole_resources(connection, query, min(UNIT, query.limit - gone))
        gone += removed
        if not removed:
            break
    return gone


async def _previous_versions(connection: Connection, query: Expunge) -> int:
    gone = 0
    async for keys in _previous_keys(connection, query):
        gone += await _remove_previous(connection, query.type, keys[: query.limit - gone])
        if gone >= query.limit:
            break
    return gone


async def _previous_keys(connection: Connection, query: Expunge) -> AsyncIterator[Sequence[str]]:
    """Keys of versions that another one follows, a unit at a time: in their order, the last of each
    resource is its current version.
    """
    history = connection.database[f"{query.type}.history"]
    within = {} if query.id is None else versions_of(query.id)
    unit, found = min(UNIT, query.limit), list[str]()
    last, more = "", True
    while more:
        behind = {**within, "$gt": last} if last else within
        batch = history.find({"_id": behind} if behind else {}, {"_id": 1}).sort("_id", 1).limit(SCANNED)
        keys = [document["_id"] async for document in batch]
        more = len(keys) == SCANNED
        for key in keys:
            if last and _owner(last) == _owner(key):
                found.append(last)
            last = key
            if len(found) == unit:
                yield found
                found = []
    yield found


async def _remove_previous(connection: Connection, type: str, keys: Sequence[str]) -> int:
    removed = 0

    async def body(session: Session) -> None:
        nonlocal removed
        versions = await Inside(connection.database, session).versions(type, {_owner(key) for key in keys})
        previous = [key for key in keys if _version(key) < versions.get(_owner(key), 0)]
        history = connection.database[f"{type}.history"]
        removed = (await history.delete_many({"_id": {"$in": previous}}, session=session)).deleted_count

    if keys:
        await connection.transaction(body, writes=len(keys))
    return removed


async def _whole_resources(connection: Connection, query: Expunge, most: int) -> int:
    """The next versions of the resources that are meant, the oldest of each first."""
    meant: Document = {"deleted": True} if query.kind is ExpungeKind.DELETED else {}
    if query.id is not None:
        meant["_id"] = {"$eq": query.id}
    documents = connection.database[query.type]
    ids = [document["_id"] async for document in documents.find(meant, {"_id": 1}).sort("_id", 1).limit(most)]
    removed = 0

    async def body(session: Session) -> None:
        nonlocal removed
        again = documents.find({"$and": [meant, {"_id": {"$in": ids}}]}, {"_id": 1}, session=session)
        still = [document["_id"] async for document in again]
        removed = await _remove(Inside(connection.database, session), query.type, still, most)

    if ids:
        await connection.transaction(body, writes=most)
    return removed


async def _remove(inside: Inside, type: str, ids: Collection[str], most: int) -> int:
    """At most so many versions of these; the whole of those that have no more."""
    if not ids:
        return 0
    history = inside.database[f"{type}.history"]
    wanted = {"$or": [{"_id": versions_of(id)} for id in ids]}
    found = history.find(wanted, {"_id": 1}, session=inside.session).sort("_id", 1).limit(most + 1)
    keys = [document["_id"] async for document in found]
    going, left = keys[:most], keys[most:]
    await history.delete_many({"_id": {"$in": going}}, session=inside.session)
    emptied = {_owner(key) for key in going} - {_owner(key) for key in left}
    await inside.database[type].delete_many({"_id": {"$in": sorted(emptied)}}, session=inside.session)
    await inside.index(type, {}, indexed=emptied)
    if emptied:
        places = {f"{type}/{id}" for id in emptied}
        for kept in (claims, links, reviews, pending):
            await kept.drop(inside.database, inside.session, places)
    return len(going)


def _owner(key: str) -> str:
    """The id of the resource whose version this is.

    >>> _owner("a/0000000003"), _version("a/0000000003")
    ('a', 3)
    """
    return key.rpartition("/")[0]


def _version(key: str) -> int:
    return int(key.rpartition("/")[2])
