"""Jobs: what is left to do, and what came of it."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from fhir_mpi.storage.port import Job, JobChange, JobConflict
from fhir_mpi.storage.sqlite.resources import EPOCH, MILLISECOND, millis

COLUMNS: Final = (
    "id, kind, parameters, created, updated, due, revision, owner, attempts, progress, checkpoint, result"
)
PUT: Final = f"INSERT OR REPLACE INTO job ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608


def job(connection: sqlite3.Connection, id: str) -> Job | None:
    row = connection.execute(f"SELECT {COLUMNS} FROM job WHERE id = ?", (id,)).fetchone()  # noqa: S608
    return row and _job(row)


def due(connection: sqlite3.Connection, now: datetime, limit: int) -> Sequence[Job]:
    text = f"SELECT {COLUMNS} FROM job WHERE due <= ? ORDER BY due LIMIT ?"  # noqa: S608
    return [_job(row) for row in connection.execute(text, (millis(now), limit))]


def change(connection: sqlite3.Connection, changes: Iterable[JobChange]) -> None:
    """Makes each job what it is to be; JobConflict where one has another revision than expected."""
    for each in changes:
        row = connection.execute("SELECT revision FROM job WHERE id = ?", (each.id,)).fetchone()
        if (row[0] if row else 0) != each.expected:
            raise JobConflict(each.id)
        if each.job is None:
            connection.execute("DELETE FROM job WHERE id = ?", (each.id,))
        else:
            connection.execute(PUT, _row(each.job, each.expected + 1))


def _job(row: Sequence[Any]) -> Job:
    created, updated, due = (EPOCH + moment * MILLISECOND for moment in row[3:6])
    return Job(row[0], row[1], row[2], created, updated, due, *row[6:])


def _row(job: Job, revision: int) -> Sequence[Any]:
    moments = (millis(moment) for moment in (job.created, job.updated, job.due))
    text = (job.progress, job.checkpoint, job.result)
    return (job.id, job.kind, job.parameters, *moments, revision, job.owner, job.attempts, *text)
