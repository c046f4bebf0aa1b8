"""Claims: who among concurrent writers may make what must be unique."""

from collections.abc import Collection, Mapping, Sequence

from pymongo import InsertOne, UpdateOne

from fhir_mpi.storage.mongo.connection import Raced, Session
from fhir_mpi.storage.mongo.indexes import CLAIMS, Database
from fhir_mpi.storage.port import Claim, ClaimConflict


async def holder(database: Database, key: str) -> str | None:
    found = await database[CLAIMS].find_one({"_id": {"$eq": key}})
    return None if found is None else str(found["holder"])


async def holders(database: Database, keys: Collection[str]) -> Mapping[str, str]:
    found = database[CLAIMS].find({"_id": {"$in": list(keys)}})
    return {claim["_id"]: claim["holder"] async for claim in found}


async def take(database: Database, session: Session, claims: Sequence[Claim]) -> None:
    """Inside a transaction; Raced, or a duplicate key, where somebody else than expected holds one."""
    made = [InsertOne({"_id": c.key, "holder": c.holder}) for c in claims if c.expected is None]
    taken = [
        UpdateOne({"_id": {"$eq": c.key}, "holder": {"$eq": c.expected}}, {"$set": {"holder": c.holder}})
        for c in claims
        if c.expected is not None
    ]
    if not claims:
        return
    result = await database[CLAIMS].bulk_write([*made, *taken], session=session)
    if result.matched_count != len(taken):
        raise Raced


async def drop(database: Database, session: Session, holders: Collection[str]) -> None:
    """Forgets every claim that these hold."""
    await database[CLAIMS].delete_many({"holder": {"$in": sorted(holders)}}, session=session)


async def require_expected(database: Database, claims: Sequence[Claim]) -> None:
    """ClaimConflict where one of these is not held as expected."""
    if not claims:
        return
    found = await holders(database, [claim.key for claim in claims])
    for claim in claims:
        if found.get(claim.key) != claim.expected:
            raise ClaimConflict(claim.key)
