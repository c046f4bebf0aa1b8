"""Candidate records: what matching reads, by blocking key."""

import sqlite3
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from fhir_mpi.mdm.ports import CandidateRow, CandidateSet
from fhir_mpi.search.filters import Filter
from fhir_mpi.storage.port import CandidateEntry
from fhir_mpi.storage.sqlite.codes import Numbers
from fhir_mpi.storage.sqlite.plans import Planner

# One statement, so one snapshot: a key whose (cap + 1)th row exists is over the cap and never joined.
LOOKUP: Final = """
WITH probe AS MATERIALIZED (
    SELECT value AS key, (
        SELECT 1 FROM candidate_key WHERE type = :type AND key = value LIMIT 1 OFFSET :cap
    ) AS over
    FROM json_each(:keys)
)
SELECT key, NULL, NULL FROM probe WHERE over
UNION ALL
SELECT NULL, id, packed FROM candidate WHERE pk IN (
    SELECT k.pk FROM probe CROSS JOIN candidate_key AS k ON k.type = :type AND k.key = probe.key
    WHERE over IS NULL
)
"""

BY_ID: Final = """
SELECT c.id, c.packed FROM resource AS r JOIN candidate AS c ON c.pk = r.pk
WHERE r.type = ?1 AND r.id IN (SELECT value FROM json_each(?2))
"""


@dataclass(frozen=True, slots=True)
class CandidateChange:
    """What becomes of one resource's candidate record; `fresh` where it can't have one yet."""

    pk: int
    type: int
    id: str
    entry: CandidateEntry | None
    fresh: bool


def lookup(connection: sqlite3.Connection, type: int, keys: Collection[int], cap: int) -> CandidateSet:
    wanted = orjson.dumps(list(keys)).decode()
    rows: list[CandidateRow] = []
    skipped: set[int] = set()
    for key, id, packed in connection.execute(LOOKUP, {"type": type, "keys": wanted, "cap": cap}):
        if id is None:
            skipped.add(key)
        else:
            rows.append(CandidateRow(id, packed))
    return CandidateSet(rows, frozenset(skipped))


def records(connection: sqlite3.Connection, type: int, ids: Collection[str]) -> Sequence[CandidateRow]:
    """The candidate records with these ids."""
    rows = connection.execute(BY_ID, (type, orjson.dumps(list(ids)).decode()))
    return [CandidateRow(id, packed) for id, packed in rows]


def filtered(numbers: Numbers, type: str, filter: Filter, limit: int) -> list[CandidateRow]:
    """The candidate records of what a search finds, in order of their ids."""
    scope = Planner(numbers, type).scope(filter)
    found = f"SELECT {scope.pk} FROM {scope.text}"  # noqa: S608
    text = f"SELECT id, packed FROM candidate WHERE pk IN ({found}) ORDER BY id LIMIT ?"  # noqa: S608
    return [CandidateRow(*row) for row in numbers.connection.execute(text, (*scope.values, limit))]


def population(connection: sqlite3.Connection, type: int) -> int:
    """How many candidate records the type has; kept as a number, so it costs one row."""
    return int(connection.execute("SELECT population FROM type WHERE id = ?", (type,)).fetchone()[0])


def replace(connection: sqlite3.Connection, changes: Sequence[CandidateChange]) -> None:
    """The candidate records and keys as the changes say, and the population of each type with them."""
    removed = _removed(connection, [change for change in changes if not change.fresh])
    made = [change for change in changes if change.entry is not None]
    connection.executemany(
        "INSERT INTO candidate (pk, id, packed, keys) VALUES (?, ?, ?, ?)",
        [(c.pk, c.id, c.entry.packed, _blob(c.entry.keys)) for c in made if c.entry],
    )
    connection.executemany(
        "INSERT INTO candidate_key (type, key, pk) VALUES (?, ?, ?)",
        sorted((c.type, key, c.pk) for c in made if c.entry for key in c.entry.keys),
    )
    deltas = [(1, c.type) for c in made] + [(-1, type) for type in removed]
    totals = {type: sum(n for n, t in deltas if t == type) for type in {t for _, t in deltas}}
    connection.executemany(
        "UPDATE type SET population = population + ? WHERE id = ?", [(n, t) for t, n in totals.items() if n]
    )


def _removed(connection: sqlite3.Connection, changes: Sequence[CandidateChange]) -> list[int]:
    """Takes away the records these had; the type of each that was there."""
    types: list[int] = []
    for change in changes:
        row = connection.execute("DELETE FROM candidate WHERE pk = ? RETURNING keys", (change.pk,)).fetchone()
        if row is None:
            continue
        types.append(change.type)
        connection.executemany(
            "DELETE FROM candidate_key WHERE type = ? AND key = ? AND pk = ?",
            [(change.type, key, change.pk) for key in array("q", row[0])],
        )
    return types


def _blob(keys: Collection[int]) -> bytes:
    return array("q", sorted(keys)).tobytes()
