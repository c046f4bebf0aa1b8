"""Small named texts kept with the data."""

import sqlite3
from collections.abc import Mapping

from fhir_mpi.storage.port import MarkMoved


def get(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM mark WHERE name = ?", (name,)).fetchone()
    return row and str(row[0])


def require(connection: sqlite3.Connection, marks: Mapping[str, str]) -> None:
    """MarkMoved unless each of these stands as it is said."""
    if any(get(connection, name) != value for name, value in marks.items()):
        raise MarkMoved


def put(connection: sqlite3.Connection, name: str, value: str, expected: str | None) -> bool:
    """Sets the mark if it is as expected; says whether it did."""
    if get(connection, name) != expected:
        return False
    connection.execute("INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)", (name, value))
    return True
