"""The queue of what waits to be linked, in the order in which it came."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from fhir_mpi.storage.port import Pending

PUT: Final = """
INSERT INTO pending (type, id, version) VALUES (?, ?, ?)
ON CONFLICT (type, id) DO UPDATE SET version = max(version, excluded.version)
"""
LONGEST: Final = "SELECT type, id, version FROM pending ORDER BY place LIMIT ?"


def put(connection: sqlite3.Connection, types: Mapping[str, int], waiting: Iterable[Pending]) -> None:
    connection.executemany(PUT, [(types[each.type], each.id, each.version) for each in waiting])


def settle(connection: sqlite3.Connection, types: Mapping[str, int], done: Iterable[Pending]) -> None:
    """Takes these out, unless a later version waits."""
    connection.executemany(
        "DELETE FROM pending WHERE type = ? AND id = ? AND version <= ?",
        [(types[each.type], each.id, each.version) for each in done],
    )


def longest(connection: sqlite3.Connection, types: Mapping[str, int], limit: int) -> list[Pending]:
    names = {number: name for name, number in types.items()}
    return [Pending(names[type], id, version) for type, id, version in connection.execute(LONGEST, (limit,))]


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM pending").fetchone()[0])


def drop(connection: sqlite3.Connection, type: int, ids: Iterable[str]) -> None:
    connection.executemany("DELETE FROM pending WHERE type = ? AND id = ?", [(type, id) for id in ids])
