"""What stewards did with links: every version in one collection.

`pair` names the link, `standing` is type and state of a current version and empty on earlier ones, so
that each question begins with one field.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from pymongo import InsertOne, UpdateOne

from fhir_mpi.mdm.link import Pair
from fhir_mpi.mdm.ports import ReviewConflict, ReviewQuery
from fhir_mpi.mdm.review import Review, ReviewState
from fhir_mpi.storage.mongo.connection import Raced, Session
from fhir_mpi.storage.mongo.documents import Document
from fhir_mpi.storage.mongo.indexes import REVIEWS, Database
from fhir_mpi.storage.reviews import document, review


async def put(database: Database, session: Session, reviews: Sequence[Review]) -> None:
    """Inside a transaction; Raced, or a duplicate key, where a version isn't the one after the current."""
    if not reviews:
        return
    replaced = [
        UpdateOne({"_id": _id(each.pair, each.version - 1), "current": True}, _SUPERSEDED)
        for each in reviews
        if each.version > 1
    ]
    made = [InsertOne(_document(each)) for each in reviews]
    result = await database[REVIEWS].bulk_write([*replaced, *made], session=session)
    if result.matched_count != len(replaced):
        raise Raced


async def find(database: Database, query: ReviewQuery) -> list[Review]:
    """The current ones that a query finds, newest first."""
    states = ReviewState if query.states is None else query.states
    standing = [f"{type}/{state}" for type in query.types for state in states]
    stages: list[Document] = [{"$match": {"standing": {"$in": standing}}}]
    if query.assignee is not None:
        stages.append({"$match": {"assignee": {"$eq": query.assignee}}})
    stages += [{"$sort": {"at": -1, "_id": 1}}, {"$skip": query.offset}, {"$limit": query.limit}]
    return [review(found) async for found in await database[REVIEWS].aggregate(stages)]


async def of_pairs(database: Database, pairs: Collection[Pair]) -> Mapping[Pair, Review]:
    found = database[REVIEWS].find({"pair": {"$in": sorted(map("/".join, pairs))}})
    reviews = [review(each) async for each in found if each["current"]]
    return {each.pair: each for each in reviews}


async def history(database: Database, pair: Pair) -> list[Review]:
    found = database[REVIEWS].find({"pair": {"$eq": "/".join(pair)}})
    return sorted([review(each) async for each in found], key=_version, reverse=True)


async def drop(database: Database, session: Session, places: Collection[str]) -> None:
    """Forgets what was done with every link of these resources."""
    for field in ("goldenPlace", "sourcePlace"):
        await database[REVIEWS].delete_many({field: {"$in": sorted(places)}}, session=session)


async def require_expected(database: Database, reviews: Iterable[Review]) -> None:
    """ReviewConflict where one of these isn't the version after the current one."""
    wanted = {each.pair: each for each in reviews}
    known = await of_pairs(database, wanted) if wanted else {}
    for pair, each in wanted.items():
        if (known[pair].version if pair in known else 0) != each.version - 1:
            raise ReviewConflict(pair)


_SUPERSEDED: Document = {"$set": {"current": False, "standing": ""}}


def _document(each: Review) -> Document:
    return {
        **document(each),
        "_id": _id(each.pair, each.version),
        "pair": "/".join(each.pair),
        "goldenPlace": f"{each.type}/{each.golden}",
        "sourcePlace": f"{each.type}/{each.source}",
        "standing": f"{each.type}/{each.state}",
        "current": True,
    }


def _id(pair: Pair, version: int) -> str:
    return f"{'/'.join(pair)}/{version:010d}"


def _version(each: Review) -> int:
    return each.version
