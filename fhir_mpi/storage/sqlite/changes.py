"""Versions of whole types by their time, from the current ones and the earlier ones together."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from fhir_mpi.storage.port import Changes, Page
from fhir_mpi.storage.sqlite.resources import millis, stored

Sql = tuple[str, list[object]]
EVER: Final = 2**62
"""Milliseconds beyond every time that is stored."""
BODIES: Final = """
SELECT id, k.version, k.last_updated, k.method, CAST(
    CASE k.place WHEN 'resource' THEN r.json ELSE (
        SELECT json FROM history AS h WHERE h.pk = k.pk AND h.version = k.version
    ) END AS BLOB
), k.type, k.pk FROM ({keys}) AS k JOIN resource AS r ON r.pk = k.pk
ORDER BY k.last_updated {order}, k.type {order}, k.pk {order}, k.version {order} LIMIT ?
"""


def changes(connection: sqlite3.Connection, types: Mapping[str, int], query: Changes) -> Page:
    """One page in one snapshot; `next` only where a further version is known to be there."""
    names = {types[name]: name for name in query.types}
    order = "ASC" if query.oldest_first else "DESC"
    parts = [_part(place, number, query) for number in names for place in ("resource", "history")]
    keys = " UNION ALL ".join(f"SELECT * FROM ({text})" for text, _ in parts)  # noqa: S608
    values = [value for _, given in parts for value in given]
    rows = list(connection.execute(BODIES.format(keys=keys, order=order), [*values, query.limit + 1]))
    page = rows[: query.limit]
    following = _position(page[-1]) if page and len(rows) > len(page) else None
    return Page([stored(names[row[5]], row) for row in page], following)


def _part(place: str, number: int, query: Changes) -> Sql:
    """The keys of at most a page of one type, in one of the two tables."""
    order = "ASC" if query.oldest_first else "DESC"
    tests = list(_tests(number, query))
    text = (
        f"SELECT '{place}' AS place, type, pk, version, last_updated, method FROM {place}"  # noqa: S608
        f" WHERE {' AND '.join(test for test, _ in tests)}"
        f" ORDER BY last_updated {order}, pk {order}, version {order} LIMIT ?"
    )
    return text, [*(value for _, values in tests for value in values), query.limit + 1]


def _tests(number: int, query: Changes) -> Iterator[Sql]:
    yield "type = ?", [number]
    yield "last_updated BETWEEN ? AND ?", [_millis(query.since, -EVER), _millis(query.until, EVER)]
    if query.id is not None:
        yield "pk = (SELECT pk FROM resource WHERE type = ? AND id = ?)", [number, query.id]
    if query.after is not None:
        last_updated, *rest = json.loads(query.after)
        beyond = ">" if query.oldest_first else "<"
        # the first test narrows what is read of the index, the second is the exact one
        yield f"last_updated {beyond}= ?", [last_updated]
        yield f"(last_updated, type, pk, version) {beyond} (?, ?, ?, ?)", [last_updated, *rest]


def _millis(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else millis(moment)


def _position(row: tuple[object, ...]) -> str:
    _, version, last_updated, _, _, type, pk = row
    return json.dumps([last_updated, type, pk, version])
