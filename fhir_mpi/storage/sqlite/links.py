"""Links and their earlier versions."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkField, LinkQuery
from fhir_mpi.mdm.review import MOST_SAMPLED, sampled_bucket
from fhir_mpi.storage.port import LinkConflict
from fhir_mpi.storage.sqlite.resources import EPOCH, MILLISECOND, millis

Place: TypeAlias = tuple[int, str, str, int]
"""Type, golden id, source id and version: where a scan goes on."""
BEGINNING: Final[Place] = (0, "", "", 0)
COLUMNS: Final = (
    "type, golden, source, result, link_source, version, created, updated, eid_match, made_golden,"
    " score, explanation, removed"
)
CURRENT: Final = f"SELECT {COLUMNS} FROM link"  # noqa: S608
KEEP: Final = f"""
INSERT INTO link_history ({COLUMNS}) SELECT {COLUMNS} FROM link WHERE type = ? AND golden = ? AND source = ?
"""  # noqa: S608
PUT: Final = f"INSERT OR REPLACE INTO link ({COLUMNS}, bucket) VALUES ({', '.join('?' * 14)})"  # noqa: S608
EARLIER: Final = f"INSERT INTO link_history ({COLUMNS}) VALUES ({', '.join('?' * 13)})"  # noqa: S608
SAMPLED: Final = f"bucket < ? AND bucket < {MOST_SAMPLED}"
"""The second half is what the index of buckets is made for, the first where it is read to."""
OF_ONE: Final = "type = ? AND golden = ? AND source = ?"
# Each arm is read in key order from where the last batch ended.
EVERY_VERSION: Final = f"""
SELECT {COLUMNS} FROM (
    SELECT * FROM (
        SELECT {COLUMNS} FROM link WHERE type = ? AND (golden, source, version) > (?, ?, ?)
        ORDER BY golden, source LIMIT ?
    ) UNION ALL SELECT * FROM (
        SELECT {COLUMNS} FROM link_history WHERE type = ? AND (golden, source, version) > (?, ?, ?)
        ORDER BY golden, source, version LIMIT ?
    )
) ORDER BY golden, source, version LIMIT ?
"""  # noqa: S608
DELETE: Final = "DELETE FROM {} WHERE type = ?1 AND (golden = ?2 OR source = ?2)"


def find(connection: sqlite3.Connection, types: Mapping[str, int], query: LinkQuery) -> list[Link]:
    """The links a query finds, in its order."""
    condition, values = _condition(types, query)
    order = [*(_ordered(sort.field, sort.descending) for sort in query.sort), "type, golden, source"]
    rows, arms = _rows(types, query)
    text = f"SELECT {COLUMNS} FROM {rows} WHERE {condition} ORDER BY {', '.join(order)} LIMIT ? OFFSET ?"  # noqa: S608
    limit = -1 if query.limit is None else query.limit
    return _links(types, connection.execute(text, [*arms, *values, limit, query.offset]))


def count(connection: sqlite3.Connection, types: Mapping[str, int], query: LinkQuery) -> int:
    condition, values = _condition(types, query)
    rows, arms = _rows(types, query)
    text = f"SELECT count(*) FROM {rows} WHERE {condition}"  # noqa: S608
    return int(connection.execute(text, [*arms, *values]).fetchone()[0])


def history(
    connection: sqlite3.Connection,
    types: Mapping[str, int],
    type: str,
    goldens: Collection[str],
    sources: Collection[str],
) -> list[Link]:
    """Every version of the links of one of these, newest first."""
    wanted = "type = ? AND {} IN (SELECT value FROM json_each(?))"
    arms, values = [], list[object]()
    for table in ("link", "link_history"):
        for column, ids in (("golden", goldens), ("source", sources)):
            arms.append(f"SELECT {COLUMNS} FROM {table} WHERE {wanted.format(column)}")  # noqa: S608
            values += [types[type], json.dumps(list(ids))]
    order = "ORDER BY updated DESC, golden, source, version DESC"
    return _links(types, connection.execute(f"{' UNION '.join(arms)} {order}", values))


def batch(
    connection: sqlite3.Connection, types: Mapping[str, int], type: str, after: Place, limit: int, every: bool
) -> tuple[list[Link], Place]:
    """The next links after a place, or with `every` the next versions; and the place of the last."""
    number, place = types[type], after[1:]
    if every:
        values = [number, *place, limit, number, *place, limit, limit]
        rows = list(connection.execute(EVERY_VERSION, values))
    else:
        text = f"{CURRENT} WHERE type = ? AND (golden, source) > (?, ?) AND NOT removed"
        text += " ORDER BY golden, source LIMIT ?"
        rows = list(connection.execute(text, [number, *place[:2], limit]))
    last = (number, rows[-1][1], rows[-1][2], rows[-1][5]) if rows else after
    return _links(types, rows), last


def put(connection: sqlite3.Connection, types: Mapping[str, int], links: Iterable[Link]) -> None:
    """Makes each the current version; LinkConflict where it isn't the one after that."""
    for link in links:
        place = (types[link.type], link.golden, link.source)
        row = connection.execute(f"SELECT version FROM link WHERE {OF_ONE}", place).fetchone()  # noqa: S608
        if (row[0] if row else 0) != link.version - 1:
            raise LinkConflict(link.pair)
        if row:
            connection.execute(KEEP, place)
        connection.execute(PUT, (*_row(types, link), sampled_bucket(link)))


def carry(connection: sqlite3.Connection, types: Mapping[str, int], versions: Iterable[Link]) -> None:
    """Versions as they are, oldest first per link; LinkConflict where one says something else here."""
    for link in versions:
        place = (types[link.type], link.golden, link.source)
        row = connection.execute(f"{CURRENT} WHERE {OF_ONE}", place).fetchone()
        current = _links(types, [row])[0] if row else None
        if current is None or current.version < link.version:
            if current is not None:
                connection.execute(KEEP, place)
            connection.execute(PUT, (*_row(types, link), sampled_bucket(link)))
        elif current.version == link.version:
            _require_same(current, link)
        else:
            _carry_earlier(connection, types, link)


def drop(connection: sqlite3.Connection, type: int, ids: Iterable[str]) -> None:
    """Forgets every link of these resources, with its history."""
    rows = [(type, id) for id in ids]
    for table in ("link", "link_history"):
        connection.executemany(DELETE.format(table), rows)


def _carry_earlier(connection: sqlite3.Connection, types: Mapping[str, int], link: Link) -> None:
    place = (types[link.type], link.golden, link.source, link.version)
    text = f"SELECT {COLUMNS} FROM link_history WHERE {OF_ONE} AND version = ?"  # noqa: S608
    row = connection.execute(text, place).fetchone()
    if row is None:
        connection.execute(EARLIER, _row(types, link))
    else:
        _require_same(_links(types, [row])[0], link)


def _require_same(known: Link, link: Link) -> None:
    if known != link:
        raise LinkConflict(link.pair)


def _rows(types: Mapping[str, int], query: LinkQuery) -> tuple[str, list[object]]:
    """The rows that a query is about: all, or those that one of its alternatives finds.

    Each alternative is read along its own index, and the rows then by their keys; an OR would read all.
    """
    if query.any_of is None:
        return "link", []
    found = [(_index(each), *_condition(types, each)) for each in query.any_of]
    arms = [f"SELECT type, golden, source FROM link {index} WHERE {test}" for index, test, _ in found]  # noqa: S608
    union = " UNION ".join(arms) or "SELECT 0 AS type, '' AS golden, '' AS source WHERE 0"
    values = [value for _, _, values in found for value in values]
    return f"({union}) CROSS JOIN link USING (type, golden, source)", values


def _index(query: LinkQuery) -> str:
    if query.sampled is not None:
        return "INDEXED BY link_by_bucket"
    return "" if query.results is None else "INDEXED BY link_by_result"


def _condition(types: Mapping[str, int], query: LinkQuery) -> tuple[str, list[object]]:
    tests = list(_tests(types, query))
    return " AND ".join(test for test, _ in tests), [value for _, values in tests for value in values]


def _tests(types: Mapping[str, int], query: LinkQuery) -> Iterator[tuple[str, list[object]]]:
    lists: list[tuple[str, Collection[object] | None]] = [
        ("type", [types[type] for type in query.types]),
        ("golden", query.goldens),
        ("source", query.sources),
        ("result", query.results),
    ]
    for column, wanted in lists:
        if wanted is not None:
            yield f"{column} IN (SELECT value FROM json_each(?))", [json.dumps(list(wanted))]  # noqa: S608
    if query.link_source is not None:
        yield "link_source = ?", [query.link_source]
    if query.sampled is not None:
        yield SAMPLED, [query.sampled]
    if not query.removed:
        yield "NOT removed", []


def _ordered(field: LinkField, descending: bool) -> str:
    return f"{field.value} {'DESC' if descending else 'ASC'} NULLS LAST"


def _row(types: Mapping[str, int], link: Link) -> tuple[object, ...]:
    return (
        types[link.type],
        link.golden,
        link.source,
        link.result,
        link.link_source,
        link.version,
        millis(link.created),
        millis(link.updated),
        link.eid_match,
        link.made_golden,
        link.score,
        link.explanation,
        link.removed,
    )


def _links(types: Mapping[str, int], rows: Iterable[Sequence[Any]]) -> list[Link]:
    names = {number: name for name, number in types.items()}
    return [
        Link(
            names[row[0]],
            row[1],
            row[2],
            MatchResult(row[3]),
            LinkSource(row[4]),
            row[5],
            EPOCH + row[6] * MILLISECOND,
            EPOCH + row[7] * MILLISECOND,
            bool(row[8]),
            bool(row[9]),
            row[10],
            row[11],
            bool(row[12]),
        )
        for row in rows
    ]
