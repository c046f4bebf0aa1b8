"""Removing versions for good, and with a resource's last one all that is known of it."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from fhir_mpi.storage.port import Expunge, ExpungeKind
from fhir_mpi.storage.sqlite import candidates, claims, entries, links, pending, reviews
from fhir_mpi.storage.sqlite.candidates import CandidateChange
from fhir_mpi.storage.sqlite.entries import EntryChange

Row = tuple[int, str]
"""pk and id of a resource."""
PREVIOUS: Final = """
DELETE FROM history WHERE rowid IN (
    SELECT rowid FROM history WHERE type = ? ORDER BY last_updated, pk, version LIMIT ?
)
"""
PREVIOUS_OF_ONE: Final = """
DELETE FROM history WHERE pk = ?1 AND version IN (
    SELECT version FROM history WHERE pk = ?1 ORDER BY version LIMIT ?2
)
"""


def expunge(connection: sqlite3.Connection, type: int, query: Expunge) -> int:
    """How many versions were removed."""
    if query.kind is ExpungeKind.PREVIOUS and query.id is None:
        return connection.execute(PREVIOUS, (type, query.limit)).rowcount
    return _of_each(connection, type, query)


def _of_each(connection: sqlite3.Connection, type: int, query: Expunge) -> int:
    """Resource by resource, oldest versions first; the last version where it is meant too."""
    gone, emptied = 0, list[Row]()
    for pk, id in _rows(connection, type, query):
        room = query.limit - gone
        removed = connection.execute(PREVIOUS_OF_ONE, (pk, room)).rowcount
        gone += removed
        if removed < room and query.kind is not ExpungeKind.PREVIOUS:
            emptied.append((pk, id))
            gone += 1
        if gone == query.limit:
            break
    _remove(connection, type, query.type, emptied)
    return gone


def _rows(connection: sqlite3.Connection, type: int, query: Expunge) -> list[Row]:
    """The resources that are meant: no more than can lose a version."""
    tests, values = ["type = ?"], [type, query.limit]
    if query.kind is ExpungeKind.DELETED:
        tests.append("json IS NULL")
    if query.id is not None:
        row = connection.execute("SELECT pk FROM resource WHERE type = ? AND id = ?", (type, query.id))
        tests.append("pk = ?")
        values.insert(1, (row.fetchone() or (0,))[0])
    text = f"SELECT pk, id FROM resource WHERE {' AND '.join(tests)} ORDER BY pk LIMIT ?"  # noqa: S608
    return list(connection.execute(text, values))


def _remove(connection: sqlite3.Connection, type: int, name: str, rows: Sequence[Row]) -> None:
    """The resources themselves, whose earlier versions are gone."""
    entries.replace(connection, {}, [EntryChange(pk, type, {}, False) for pk, _ in rows])
    candidates.replace(connection, [CandidateChange(pk, type, id, None, False) for pk, id in rows])
    connection.executemany("DELETE FROM resource WHERE pk = ?", [(pk,) for pk, _ in rows])
    ids = [id for _, id in rows]
    claims.drop(connection, [f"{name}/{id}" for id in ids])
    links.drop(connection, type, ids)
    reviews.drop(connection, type, ids)
    pending.drop(connection, type, ids)
