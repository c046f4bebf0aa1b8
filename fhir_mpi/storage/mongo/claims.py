"""Claims: who among concurrent writers may make what must be unique."""

from collections.abc import Collection, Iterable, Mapping

from fhir_mpi.storage.mongo.connection import Raced, Session
from fhir_mpi.storage.mongo.indexes import CLAIMS, Database
from fhir_mpi.storage.port import Claim, ClaimConflict


async def holder(database: Database, key: str) -> str | None:
    found = await database[CLAIMS].find_one({"_id": {"$eq": key}})
    return None if found is None else str(found["holder"])


async def holders(database: Database, keys: Collection[str]) -> Mapping[str, str]:
    found = database[CLAIMS].find({"_id": {"$in": list(keys)}})
    return {claim["_id"]: claim["holder"] async for claim in found}


async def take(database: Database, session: Session, claims: Iterable[Claim]) -> None:
    """Inside a transaction; Raced, or a duplicate key, where somebody else than expected holds it."""
    for claim in claims:
        if claim.expected is None:
            new = {"_id": claim.key, "holder": claim.holder}
            await database[CLAIMS].insert_one(new, session=session)
            continue
        held = {"_id": {"$eq": claim.key}, "holder": {"$eq": claim.expected}}
        change = {"$set": {"holder": claim.holder}}
        if not (await database[CLAIMS].update_one(held, change, session=session)).matched_count:
            raise Raced


async def drop(database: Database, session: Session, holders: Collection[str]) -> None:
    """Forgets every claim that these hold."""
    await database[CLAIMS].delete_many({"holder": {"$in": sorted(holders)}}, session=session)


async def require_expected(database: Database, claims: Iterable[Claim]) -> None:
    """ClaimConflict where one of these is not held as expected."""
    for claim in claims:
        if await holder(database, claim.key) != claim.expected:
            raise ClaimConflict(claim.key)
