"""The collections of the store and the indexes they need.

Per resource type, each beside the next and changed in one transaction:

    Patient             {_id, version, lastUpdated, deleted, method, resource, ix: {code: [values]}}
    Patient.history     the same for every version, without ix; _id is `<id>/<version>`
    Patient.texts       {code, text, id}: one row for each text of ix
    Patient.intervals   {code, low, high, id}: one row for each interval of ix
    Patient.candidates  {_id, keys: [int64], packed}
    marks               {_id: name, value}, one for all
    claims              {_id: key, holder}, one for all
    links               {_id, type, golden, source, ...}, one for all; golden and source are `Patient/a`
    links.history       the same for every version; _id is `<_id>/<version>`
    pending             {_id: `Patient/a`, type, version, place}, one for all
    reviews             {_id: link's _id and `/<version>`, pair, standing, ...}, every version, one for all
    jobs                {_id: id, revision, due, kind, parameters, owner, result, ...}, one for all

Why rows, and not indexes on `ix.<code>`: the codes are not known when the store is opened and may be
more than the 64 indexes a collection takes; a range over an array field needs `$elemMatch` to be
right and can then not be joined by a second one in the same index; and a scalar row answers a prefix
by a half-open range and equality already sorted by id, which is how pages go on. `ix` stays in the
document: it decides what remains of a filter once rows have narrowed it, and it is there for
whoever looks with other tools. Rows cost one small document per indexed value.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from pymongo.asynchronous.database import AsyncDatabase

from fhir_mpi.storage.mongo.documents import Document

Database: TypeAlias = AsyncDatabase[Document]
IndexKey: TypeAlias = tuple[str, ...]

MARKS: Final = "marks"
CLAIMS: Final = "claims"

INDEXES: Final[Mapping[str, Sequence[IndexKey]]] = {
    "": (("_id", "version"), ("deleted", "_id")),
    ".history": (("lastUpdated", "_id"),),
    ".texts": (("code", "text", "id"), ("id",)),
    ".intervals": (("code", "low", "high", "id"), ("code", "high", "low", "id"), ("id",)),
    ".candidates": (("keys",),),
}
"""Collection suffix -> the indexes it needs besides `_id`, all ascending."""


LINKS: Final = "links"
LINK_HISTORY: Final = "links.history"
PENDING: Final = "pending"
JOBS: Final = "jobs"
REVIEWS: Final = "reviews"

SHARED: Final[Mapping[str, Sequence[IndexKey]]] = {
    MARKS: (),
    CLAIMS: (("holder",),),
    LINKS: (("golden",), ("source",), ("result", "type"), ("type",), ("bucket",)),
    LINK_HISTORY: (("golden",), ("source",)),
    PENDING: (("place",),),
    JOBS: (("due",),),
    REVIEWS: (("pair",), ("standing",), ("goldenPlace",), ("sourcePlace",)),
}
"""The same for the collections that are one for all."""


async def make_indexes(database: Database, types: Iterable[str]) -> None:
    """Collections and indexes that are not there yet; none of it can be made inside a transaction."""
    existing = set(await database.list_collection_names())
    names = [type + suffix for type in types for suffix in INDEXES]
    await asyncio.gather(*(_make(database, name, name in existing) for name in (*names, *SHARED)))


async def missing_indexes(database: Database, types: Iterable[str]) -> list[str]:
    """`collection(fields)` of each required index that is not there."""
    names = [type + suffix for type in types for suffix in INDEXES]
    return [text for found in await asyncio.gather(*(_missing(database, n) for n in names)) for text in found]


async def _make(database: Database, name: str, exists: bool) -> None:
    if not exists:
        await _create(database, name)
    for fields in _needed(name):
        await database[name].create_index([(field, 1) for field in fields])


async def _create(database: Database, name: str) -> None:
    """Makes a collection; that another process was first is as good."""
    await database.command({"create": name}, allowable_errors=[48])


async def _missing(database: Database, name: str) -> list[str]:
    found = {
        tuple(field for field, _ in index["key"])
        for index in (await database[name].index_information()).values()
    }
    return [f"{name}({', '.join(fields)})" for fields in _needed(name) if fields not in found]


def _needed(name: str) -> Sequence[IndexKey]:
    _, dot, kind = name.partition(".")
    return SHARED[name] if name in SHARED else INDEXES[dot + kind]
