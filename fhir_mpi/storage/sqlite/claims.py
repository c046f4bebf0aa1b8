"""Claims: who among concurrent writers may make what must be unique."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping

from fhir_mpi.storage.port import Claim, ClaimConflict


def holder(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT holder FROM claim WHERE key = ?", (key,)).fetchone()
    return row and str(row[0])


def holders(connection: sqlite3.Connection, keys: Collection[str]) -> Mapping[str, str]:
    text = "SELECT key, holder FROM claim WHERE key IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(text, (json.dumps(list(keys)),)))


def drop(connection: sqlite3.Connection, holders: Iterable[str]) -> None:
    """Forgets every claim that these hold."""
    connection.executemany("DELETE FROM claim WHERE holder = ?", [(holder,) for holder in holders])


def take(connection: sqlite3.Connection, claims: Iterable[Claim]) -> None:
    """Makes each holder the one named; ClaimConflict where somebody else than expected holds it."""
    for claim in claims:
        if holder(connection, claim.key) != claim.expected:
            raise ClaimConflict(claim.key)
        connection.execute("INSERT OR REPLACE INTO claim VALUES (?, ?)", (claim.key, claim.holder))
