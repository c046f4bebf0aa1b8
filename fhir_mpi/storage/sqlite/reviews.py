"""What stewards did with links: every version in one table, the newest marked as current."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

import orjson

from fhir_mpi.mdm.link import Pair
from fhir_mpi.mdm.ports import ReviewConflict, ReviewQuery
from fhir_mpi.mdm.review import Review
from fhir_mpi.storage.reviews import document, review

OF_ONE = "type = ? AND golden = ? AND source = ?"
CURRENT = f"SELECT version FROM review WHERE {OF_ONE} AND current"  # noqa: S608
SUPERSEDE = f"UPDATE review SET current = 0 WHERE {OF_ONE} AND current"  # noqa: S608
PUT = """
INSERT INTO review (type, golden, source, version, state, assignee, at, body, current)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)
"""
OF_MANY = """
SELECT r.body FROM json_each(?) AS wanted CROSS JOIN review AS r
ON r.type = wanted.value ->> 0 AND r.golden = wanted.value ->> 1 AND r.source = wanted.value ->> 2
WHERE r.current
"""


def put(connection: sqlite3.Connection, types: Mapping[str, int], reviews: Iterable[Review]) -> None:
    """Makes each the current version; ReviewConflict where it isn't the one after that."""
    for each in reviews:
        place = (types[each.type], each.golden, each.source)
        row = connection.execute(CURRENT, place).fetchone()
        if (row[0] if row else 0) != each.version - 1:
            raise ReviewConflict(each.pair)
        found = document(each)
        connection.execute(SUPERSEDE, place)
        body = orjson.dumps(found).decode()
        connection.execute(PUT, (*place, each.version, each.state, each.assignee, found["at"], body))


def find(connection: sqlite3.Connection, types: Mapping[str, int], query: ReviewQuery) -> list[Review]:
    """The current ones that a query finds, newest first."""
    tests = ["current", "type IN (SELECT value FROM json_each(?))"]
    values: list[object] = [json.dumps([types[type] for type in query.types])]
    if query.states is not None:
        tests.append("state IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(query.states)))
    if query.assignee is not None:
        tests.append("assignee = ?")
        values.append(query.assignee)
    text = f"SELECT body FROM review WHERE {' AND '.join(tests)}"  # noqa: S608
    order = "ORDER BY at DESC, type, golden, source LIMIT ? OFFSET ?"
    return _reviews(connection.execute(f"{text} {order}", [*values, query.limit, query.offset]))


def of_pairs(
    connection: sqlite3.Connection, types: Mapping[str, int], pairs: Collection[Pair]
) -> Mapping[Pair, Review]:
    wanted = json.dumps([(types[type], golden, source) for type, golden, source in pairs])
    return {each.pair: each for each in _reviews(connection.execute(OF_MANY, (wanted,)))}


def history(connection: sqlite3.Connection, types: Mapping[str, int], pair: Pair) -> list[Review]:
    text = f"SELECT body FROM review WHERE {OF_ONE} ORDER BY version DESC"  # noqa: S608
    return _reviews(connection.execute(text, (types[pair[0]], *pair[1:])))


def drop(connection: sqlite3.Connection, type: int, ids: Iterable[str]) -> None:
    """Forgets what was done with every link of these resources."""
    text = "DELETE FROM review WHERE type = ?1 AND (golden = ?2 OR source = ?2)"
    connection.executemany(text, [(type, id) for id in ids])


def _reviews(rows: Iterable[Sequence[str]]) -> list[Review]:
    return [review(orjson.loads(row[0])) for row in rows]
