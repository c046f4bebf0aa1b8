"""Links and their earlier versions.

`golden` and `source` hold type and id as one text, so that each is found by an index on one field.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Final

from bson.son import SON
from pymongo import InsertOne, ReplaceOne
from pymongo.asynchronous.collection import AsyncCollection

from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkField, LinkQuery
from fhir_mpi.mdm.review import sampled_bucket
from fhir_mpi.storage.mongo.connection import Raced, Session
from fhir_mpi.storage.mongo.documents import Document
from fhir_mpi.storage.mongo.indexes import LINK_HISTORY, LINKS, Database
from fhir_mpi.storage.port import LinkConflict

BATCH: Final = 500
_FIELDS: Final = {
    LinkField.GOLDEN: "golden",
    LinkField.SOURCE: "source",
    LinkField.RESULT: "result",
    LinkField.LINK_SOURCE: "linkSource",
    LinkField.SCORE: "score",
    LinkField.EID_MATCH: "eidMatch",
    LinkField.MADE_GOLDEN: "madeGolden",
    LinkField.VERSION: "version",
    LinkField.CREATED: "created",
    LinkField.UPDATED: "updated",
}


async def find(database: Database, query: LinkQuery) -> list[Link]:
    """The links a query finds, in its order."""
    order: SON[str, int] = SON()
    for sort in query.sort:
        if sort.field is LinkField.SCORE:
            order["unscored"] = 1
        order[_FIELDS[sort.field]] = -1 if sort.descending else 1
    order["_id"] = 1
    found = database[LINKS].find(_condition(query)).sort(list(order.items())).skip(query.offset)
    if query.limit is not None:
        if query.limit == 0:  # which to MongoDB is no limit at all
            return []
        found = found.limit(query.limit)
    return [_link(document) async for document in found]


async def count(database: Database, query: LinkQuery) -> int:
    return await database[LINKS].count_documents(_condition(query))


async def history(
    database: Database, type: str, goldens: Collection[str], sources: Collection[str]
) -> list[Link]:
    """Every version of the links of one of these, newest first."""
    found: dict[str, Link] = {}
    for field, ids in (("golden", goldens), ("source", sources)):
        if ids:
            wanted = {field: {"$in": [f"{type}/{id}" for id in ids]}}
            async for document in database[LINK_HISTORY].find(wanted):
                found[document["_id"]] = _link(document)
    return sorted(found.values(), key=_newest_first)


async def scan(database: Database, type: str, *, history: bool) -> AsyncIterator[Link]:
    """By golden and source id, in batches that each begin behind the last."""
    collection = database[LINK_HISTORY if history else LINKS]
    after = f"{type}/"
    while True:
        wanted = {"_id": {"$gt": after, "$lt": f"{type}0"}}  # the character after the slash
        batch = await collection.find(wanted).sort("_id", 1).limit(BATCH).to_list()
        for document in batch:
            if history or not document["removed"]:
                yield _link(document)
        if len(batch) < BATCH:
            return
        after = batch[-1]["_id"]


async def put(database: Database, session: Session, links: Sequence[Link]) -> None:
    """Inside a transaction; Raced, or a duplicate key, where a version isn't the one after the current."""
    if not links:
        return
    replaced = [
        ReplaceOne({"_id": {"$eq": _id(link)}, "version": link.version - 1}, _document(link))
        for link in links
        if link.version > 1
    ]
    made = [InsertOne(_document(link)) for link in links if link.version == 1]
    result = await database[LINKS].bulk_write([*made, *replaced], session=session)
    if result.matched_count != len(replaced):
        raise Raced
    await _keep(database[LINK_HISTORY], session, links)


async def carry(database: Database, session: Session, versions: Sequence[Link]) -> None:
    """Versions as they are, oldest first per link; LinkConflict where one says something else here."""
    wanted = {_history_id(link): link for link in versions}
    known = database[LINK_HISTORY].find({"_id": {"$in": sorted(wanted)}}, session=session)
    async for document in known:
        link = wanted.pop(document["_id"])
        if _link(document) != link:
            raise LinkConflict(link.pair)
    await _keep(database[LINK_HISTORY], session, list(wanted.values()))
    newest = {_id(link): link for link in wanted.values()}
    current = database[LINKS].find({"_id": {"$in": sorted(newest)}}, {"version": 1}, session=session)
    behind = {document["_id"]: document["version"] async for document in current}
    ahead = [link for key, link in newest.items() if link.version > behind.get(key, 0)]
    if ahead:
        requests = [ReplaceOne({"_id": {"$eq": _id(link)}}, _document(link), upsert=True) for link in ahead]
        await database[LINKS].bulk_write(requests, session=session)


async def drop(database: Database, session: Session, places: Collection[str]) -> None:
    """Forgets every link of these resources, with its history."""
    for name in (LINKS, LINK_HISTORY):
        for field in ("golden", "source"):
            await database[name].delete_many({field: {"$in": sorted(places)}}, session=session)


async def require_expected(database: Database, links: Iterable[Link]) -> None:
    """LinkConflict where one of these isn't the version after the current one."""
    wanted = {_id(link): link for link in links}
    found = database[LINKS].find({"_id": {"$in": sorted(wanted)}}, {"version": 1})
    versions = {document["_id"]: document["version"] async for document in found}
    for key, link in wanted.items():
        if versions.get(key, 0) != link.version - 1:
            raise LinkConflict(link.pair)


async def _keep(history: AsyncCollection[Document], session: Session, links: Sequence[Link]) -> None:
    if links:
        rows = [{**_document(link), "_id": _history_id(link)} for link in links]
        await history.insert_many(rows, session=session)


def _condition(query: LinkQuery) -> Document:
    tests: Document = {}
    for field, ids in (("golden", query.goldens), ("source", query.sources)):
        if ids is not None:
            tests[field] = {"$in": [f"{type}/{id}" for type in query.types for id in ids]}
    if query.results is not None:
        tests["result"] = {"$in": [str(result) for result in query.results]}
    if query.sampled is not None:
        tests["bucket"] = {"$gte": 0, "$lt": query.sampled}
    if query.any_of is not None:
        tests["$or"] = [_condition(each) for each in query.any_of] or [{"_id": {"$in": []}}]
    if not {"golden", "source"} & tests.keys():
        tests["type"] = {"$in": list(query.types)}
    if query.link_source is not None:
        tests["linkSource"] = {"$eq": str(query.link_source)}
    if not query.removed:
        tests["removed"] = False
    return tests


def _id(link: Link) -> str:
    return f"{link.type}/{link.golden}/{link.source}"


def _history_id(link: Link) -> str:
    return f"{_id(link)}/{link.version:010d}"


def _newest_first(link: Link) -> tuple[float, str, str, int]:
    return -link.updated.timestamp(), link.golden, link.source, -link.version


def _document(link: Link) -> Document:
    return {
        "_id": _id(link),
        "type": link.type,
        "golden": f"{link.type}/{link.golden}",
        "source": f"{link.type}/{link.source}",
        "result": str(link.result),
        "linkSource": str(link.link_source),
        "version": link.version,
        "created": link.created,
        "updated": link.updated,
        "eidMatch": link.eid_match,
        "madeGolden": link.made_golden,
        "score": link.score,
        "unscored": link.score is None,
        "explanation": link.explanation,
        "removed": link.removed,
        "bucket": sampled_bucket(link),
    }


def _link(document: Document) -> Link:
    return Link(
        document["type"],
        document["golden"].rpartition("/")[2],
        document["source"].rpartition("/")[2],
        MatchResult(document["result"]),
        LinkSource(document["linkSource"]),
        document["version"],
        document["created"],
        document["updated"],
        document["eidMatch"],
        document["madeGolden"],
        document["score"],
        document["explanation"],
        document["removed"],
    )
