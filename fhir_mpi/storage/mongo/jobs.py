"""Jobs: what is left to do, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from fhir_mpi.storage.mongo.connection import Raced, Session
from fhir_mpi.storage.mongo.documents import Document
from fhir_mpi.storage.mongo.indexes import JOBS, Database
from fhir_mpi.storage.port import Job, JobChange, JobConflict


async def job(database: Database, id: str) -> Job | None:
    found = await database[JOBS].find_one({"_id": {"$eq": id}})
    return None if found is None else _job(found)


async def due(database: Database, now: datetime, limit: int) -> Sequence[Job]:
    found = database[JOBS].find({"due": {"$lte": now}}).sort("due", 1).limit(limit)
    return [_job(document) async for document in found]


async def change(database: Database, session: Session, changes: Iterable[JobChange]) -> None:
    """Inside a transaction; Raced, or a duplicate key, where a job has another revision than expected."""
    for each in changes:
        known = {"_id": {"$eq": each.id}, "revision": each.expected}
        if each.job is None:
            done = (await database[JOBS].delete_one(known, session=session)).deleted_count
        elif each.expected:
            new = _document(each.job, each.expected + 1)
            done = (await database[JOBS].replace_one(known, new, session=session)).matched_count
        else:
            await database[JOBS].insert_one(_document(each.job, 1), session=session)
            continue
        if not done:
            raise Raced


async def require_expected(database: Database, changes: Iterable[JobChange]) -> None:
    """JobConflict where one of these has another revision."""
    for each in changes:
        found = await job(database, each.id)
        if (found.revision if found else 0) != each.expected:
            raise JobConflict(each.id)


def _job(document: Document) -> Job:
    return Job(id=document.pop("_id"), **document)


def _document(job: Job, revision: int) -> Document:
    facts = asdict(job)
    return {"_id": facts.pop("id"), **facts, "revision": revision}
