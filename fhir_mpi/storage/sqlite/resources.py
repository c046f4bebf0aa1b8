"""Reading resources: current ones, versions, histories, whole types."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from fhir_mpi.storage.port import Head, Stored

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_VERSION: Final = 2**62
MILLISECOND: Final = timedelta(milliseconds=1)

# Bodies are bytes on both sides and text in the file, where the sqlite3 shell can look into them.
BODY: Final = "CAST(json AS BLOB)"
CURRENT: Final = f"SELECT id, version, last_updated, method, {BODY} FROM resource"  # noqa: S608

VERSIONS: Final = f"""
SELECT ?1, version, last_updated, method, {BODY} FROM (
    SELECT version, last_updated, method, json FROM resource WHERE pk = ?2 AND version < ?3
    UNION ALL
    SELECT version, last_updated, method, json FROM history WHERE pk = ?2 AND version < ?3
) ORDER BY version DESC LIMIT ?4
"""  # noqa: S608

# Both arms are read in key order from where the last batch ended, so that a batch costs its own rows only.
EVERY_VERSION: Final = f"""
SELECT id, version, last_updated, method, {BODY}, pk FROM (
    SELECT * FROM (
        SELECT r.id, h.version, h.last_updated, h.method, h.json, h.pk
        FROM history AS h CROSS JOIN resource AS r ON r.pk = h.pk
        WHERE (h.pk, h.version) > (:pk, :version) AND r.type = :type ORDER BY h.pk, h.version LIMIT :limit
    ) UNION ALL SELECT * FROM (
        SELECT id, version, last_updated, method, json, pk FROM resource
        WHERE (pk > :pk OR pk = :pk AND version > :version) AND type = :type ORDER BY pk LIMIT :limit
    )
) ORDER BY pk, version LIMIT :limit
"""  # noqa: S608


def millis(moment: datetime) -> int:
    """Milliseconds since 1970.

    >>> millis(datetime(1970, 1, 1, 0, 0, 1, 5000, tzinfo=UTC))
    1005
    """
    return (moment - EPOCH) // MILLISECOND


def stored(type: str, row: Sequence[Any]) -> Stored:
    """A row of id, version, last_updated, method and body, maybe followed by others."""
    return Stored(type, row[0], row[1], EPOCH + row[2] * MILLISECOND, row[3], row[4] or b"")


def read(connection: sqlite3.Connection, number: int, type: str, id: str) -> Stored | None:
    row = connection.execute(f"{CURRENT} WHERE type = ? AND id = ?", (number, id)).fetchone()
    return row and stored(type, row)


def read_many(connection: sqlite3.Connection, number: int, type: str, ids: Sequence[str]) -> Sequence[Stored]:
    rows = connection.execute(
        f"{CURRENT} WHERE type = ? AND id IN (SELECT value FROM json_each(?)) AND json IS NOT NULL",  # noqa: S608
        (number, _json(ids)),
    )
    found = {row[0]: stored(type, row) for row in rows}
    return [found[id] for id in ids if id in found]


def heads(connection: sqlite3.Connection, number: int, ids: Collection[str]) -> Mapping[str, Head]:
    rows = connection.execute(
        "SELECT id, version, last_updated, json IS NULL FROM resource "
        "WHERE type = ? AND id IN (SELECT value FROM json_each(?))",
        (number, _json(ids)),
    )
    return {id: Head(version, EPOCH + ms * MILLISECOND, bool(gone)) for id, version, ms, gone in rows}


def versions(
    connection: sqlite3.Connection, number: int, type: str, id: str, *, limit: int, below: int
) -> Sequence[Stored]:
    """Versions lower than `below`, newest first."""
    row = connection.execute("SELECT pk FROM resource WHERE type = ? AND id = ?", (number, id)).fetchone()
    if row is None:
        return []
    return [stored(type, found) for found in connection.execute(VERSIONS, (id, row[0], below, limit))]


def version_count(connection: sqlite3.Connection, number: int, id: str) -> int:
    text = (
        "SELECT (SELECT count(*) FROM history WHERE pk = r.pk) FROM resource AS r WHERE type = ? AND id = ?"
    )
    row = connection.execute(text, (number, id)).fetchone()
    return 0 if row is None else int(row[0]) + 1


def current_batch(
    connection: sqlite3.Connection, number: int, type: str, after: tuple[int, int], limit: int
) -> tuple[list[Stored], tuple[int, int]]:
    """The next current resources after a position, and the position of the last."""
    rows = connection.execute(
        f"SELECT id, version, last_updated, method, {BODY}, pk FROM resource "  # noqa: S608
        "WHERE type = ? AND json IS NOT NULL AND pk > ? ORDER BY pk LIMIT ?",
        (number, after[0], limit),
    )
    return _batch(type, rows, after)


def place(connection: sqlite3.Connection, number: int, id: str | None) -> tuple[int, int]:
    """The position behind all versions of a resource; the beginning where it never was."""
    row = connection.execute("SELECT pk FROM resource WHERE type = ? AND id = ?", (number, id)).fetchone()
    return (0, 0) if row is None else (row[0], LAST_VERSION)


def version_batch(
    connection: sqlite3.Connection, number: int, type: str, after: tuple[int, int], limit: int
) -> tuple[list[Stored], tuple[int, int]]:
    """The next versions after a position, oldest first per resource, and the position of the last."""
    place = {"pk": after[0], "version": after[1], "type": number, "limit": limit}
    return _batch(type, connection.execute(EVERY_VERSION, place), after)


def _batch(type: str, rows: Iterator[Any], after: tuple[int, int]) -> tuple[list[Stored], tuple[int, int]]:
    read = list(rows)
    last = (read[-1][5], read[-1][1]) if read else after
    return [stored(type, row) for row in read], last


def _json(values: Collection[str]) -> str:
    return orjson.dumps(list(values)).decode()
