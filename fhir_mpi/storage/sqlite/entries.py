"""Index entries of resources: written as a difference, in the order of the index."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fhir_mpi.search.filters import IndexEntries, Interval
from fhir_mpi.storage.sqlite.codes import Key, kind_of

TextRow: TypeAlias = tuple[int, str, int]
RangeRow: TypeAlias = tuple[int, float, float, int]


# From each text straight to the next one: the cost is that of the texts, not of the resources.
TEXTS: Final = """
WITH RECURSIVE found (value) AS (
    SELECT min(value) FROM ix_text WHERE code = :code
    UNION ALL
    SELECT (SELECT min(value) FROM ix_text WHERE code = :code AND value > found.value)
    FROM found WHERE found.value IS NOT NULL
)
SELECT value FROM found WHERE value IS NOT NULL LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class EntryChange:
    """The entries one resource has from now on; `fresh` where it can't have any yet."""

    pk: int
    type: int
    entries: IndexEntries
    fresh: bool


def texts(connection: sqlite3.Connection, code: int, limit: int) -> Sequence[str]:
    """The different texts of one code, in order."""
    return [row[0] for row in connection.execute(TEXTS, {"code": code, "limit": limit})]


def replace(connection: sqlite3.Connection, codes: Mapping[Key, int], changes: Sequence[EntryChange]) -> None:
    """Writes only what differs, sorted: neighbours in the index are then written together, which
    is what keeps a load of a million resources at speed.
    """
    old_texts, old_ranges = _old(connection, [change.pk for change in changes if not change.fresh])
    texts, ranges = _new(codes, changes)
    if old_texts:
        old, new = set(old_texts), set(texts)
        _delete_texts(connection, old - new)
        texts = list(new - old)
    if old_ranges:
        before, after = set(old_ranges), set(ranges)
        _delete_ranges(connection, before - after)
        ranges = list(after - before)
    connection.executemany("INSERT INTO ix_text (code, value, pk) VALUES (?, ?, ?)", sorted(texts))
    connection.executemany("INSERT INTO ix_range (code, low, high, pk) VALUES (?, ?, ?, ?)", sorted(ranges))


def _old(connection: sqlite3.Connection, pks: Sequence[int]) -> tuple[list[TextRow], list[RangeRow]]:
    texts: list[TextRow] = []
    ranges: list[RangeRow] = []
    for pk in pks:
        texts += connection.execute("SELECT code, value, pk FROM ix_text WHERE pk = ?", (pk,))
        ranges += connection.execute("SELECT code, low, high, pk FROM ix_range WHERE pk = ?", (pk,))
    return texts, ranges


def _new(codes: Mapping[Key, int], changes: Iterable[EntryChange]) -> tuple[list[TextRow], list[RangeRow]]:
    texts: list[TextRow] = []
    ranges: list[RangeRow] = []
    for change in changes:
        for code, values in change.entries.items():
            number = codes[change.type, kind_of(values[0]), code] if values else 0
            for value in values:
                if isinstance(value, Interval):
                    ranges.append((number, float(value.low), float(value.high), change.pk))
                else:
                    texts.append((number, value, change.pk))
    return texts, ranges


def _delete_texts(connection: sqlite3.Connection, rows: Iterable[TextRow]) -> None:
    connection.executemany("DELETE FROM ix_text WHERE code = ? AND value = ? AND pk = ?", sorted(rows))


def _delete_ranges(connection: sqlite3.Connection, rows: Iterable[RangeRow]) -> None:
    connection.executemany(
        "DELETE FROM ix_range WHERE code = ? AND low = ? AND high = ? AND pk = ?", sorted(rows)
    )
