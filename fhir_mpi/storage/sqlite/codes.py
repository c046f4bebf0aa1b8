"""The dictionary of index codes: a small number for each code, type and kind of value."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fhir_mpi.search.filters import IndexEntries, Interval

Kind: TypeAlias = Literal["text", "range"]
Key: TypeAlias = tuple[int, Kind, str]


class Codes:
    """Numbers never change and are never given out twice, so those seen committed are remembered;
    another process may add new ones at any time. Texts and intervals of one name have two numbers.
    """

    def __init__(self) -> None:
        self._known: dict[Key, int] = {}

    def find(self, connection: sqlite3.Connection, type: int, kind: Kind, name: str) -> int | None:
        """The number of a code as a reader sees it, None where nothing was ever indexed under it."""
        key = (type, kind, name)
        if key in self._known:
            return self._known[key]
        row = connection.execute(
            "SELECT id FROM code WHERE type = ? AND kind = ? AND name = ?", key
        ).fetchone()
        if row is None:
            return None
        self._known[key] = int(row[0])
        return self._known[key]

    def ensure(self, connection: sqlite3.Connection, wanted: Iterable[Key]) -> Mapping[Key, int]:
        """The numbers of all these codes, made in this transaction where they are missing.

        What it makes is remembered only once it is committed (`keep`).
        """
        return {key: self._known.get(key) or _ensured(connection, key) for key in set(wanted)}

    def keep(self, numbers: Mapping[Key, int]) -> None:
        """Remembers numbers whose transaction is committed."""
        self._known.update(numbers)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What types and codes are called in the file, as one connection sees it."""

    connection: sqlite3.Connection
    codes: Codes
    types: Mapping[str, int]

    def type(self, name: str) -> int:
        return self.types[name]

    def code(self, type: str, kind: Kind, name: str) -> int | None:
        """None where nothing was ever indexed under it."""
        return self.codes.find(self.connection, self.types[type], kind, name)


def entry_keys(type: int, entries: IndexEntries) -> Iterable[Key]:
    return ((type, kind_of(values[0]), code) for code, values in entries.items() if values)


def kind_of(value: str | Interval) -> Kind:
    return "range" if isinstance(value, Interval) else "text"


def _ensured(connection: sqlite3.Connection, key: Key) -> int:
    row = connection.execute(
        "INSERT INTO code (type, kind, name) VALUES (?, ?, ?) "
        "ON CONFLICT (type, kind, name) DO UPDATE SET name = excluded.name RETURNING id",
        key,
    ).fetchone()
    return int(row[0])
