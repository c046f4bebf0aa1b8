"""One page of a search: keyset paging, by pk or by sort values, the same order whatever the plan."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fhir_mpi.search.filters import Filter, Query
from fhir_mpi.storage.port import Page, Stored
from fhir_mpi.storage.sqlite.codes import Numbers
from fhir_mpi.storage.sqlite.filters import Sql
from fhir_mpi.storage.sqlite.order import Order, Row, sort_key
from fhir_mpi.storage.sqlite.plans import Planner, Scope
from fhir_mpi.storage.sqlite.resources import BODY, stored

BODIES: Final = f"""
SELECT id, version, last_updated, method, {BODY}, pk FROM resource
WHERE pk IN (SELECT value FROM json_each(?))
"""  # noqa: S608


def search(numbers: Numbers, query: Query) -> Page:
    """One page in one snapshot; the position of another only where something is known to be or have been."""
    connection = numbers.connection
    connection.execute("BEGIN")
    try:
        rows = _rows(Planner(numbers, query.type), query)
        ahead, behind = len(rows) > query.limit, query.after is not None
        page = rows[: query.limit]
        if query.backwards:
            page.reverse()
            ahead, behind = behind, ahead
        resources = _resources(connection, query.type, [row[-1] for row in page])
        return Page(
            resources,
            next=json.dumps(page[-1]) if ahead and page else None,
            previous=json.dumps(page[0]) if behind and page else None,
        )
    finally:
        connection.execute("ROLLBACK")  # of a transaction that only read


def count(numbers: Numbers, type: str, filter: Filter) -> int:
    """How many current resources the filter finds."""
    planner = Planner(numbers, type)
    pks = planner.leaf(filter)
    if pks is not None:
        text, values = f"SELECT count(DISTINCT pk) FROM ({pks.text})", pks.values  # noqa: S608
    else:
        scope = planner.scope(filter)
        text, values = f"SELECT count(*) FROM {scope.text}", scope.values  # noqa: S608
    return int(numbers.connection.execute(text, values).fetchone()[0])


def _rows(planner: Planner, query: Query) -> list[Row]:
    """The positions of one page and of the resource after it; backwards, from its end to the one before."""
    after: Row | None = tuple(json.loads(query.after)) if query.after is not None else None
    keys = tuple(sort_key(planner, sort) for sort in query.sort)
    order = Order(keys, after, query.limit + 1, bool(keys) and keys[0].descending, query.backwards)
    if not keys:
        return _ordered(planner, planner.scope(query.filter), order)
    few = planner.few(query.filter)
    if few is not None:
        return _ordered(planner, planner.among(few), order, keys[0].column)
    if keys[0].column is None:
        return _along(planner, query.filter, order)
    scope = planner.all().narrowed(planner.condition(query.filter))
    return _ordered(planner, scope, order, keys[0].column)


def _along(planner: Planner, filter: Filter, order: Order) -> list[Row]:
    """By the index of the first sort code, then those without it, or the other way round: for a filter
    that finds much.
    """
    steps = (_without, _along_entries) if order.backwards else (_along_entries, _without)
    begun = order.after is not None and (order.after[0] is None) is not order.backwards
    if begun:  # what the first step walks along is behind
        return steps[1](planner, filter, order)
    rows = steps[0](planner, filter, order)
    if len(rows) < order.wanted:
        rows += steps[1](planner, filter, replace(order, after=None, wanted=order.wanted - len(rows)))
    return rows


def _along_entries(planner: Planner, filter: Filter, order: Order) -> list[Row]:
    entries = order.keys[0].entries
    if entries is None:
        return []
    walk = Scope(entries.text, (entries.number,), "e.pk")
    return _ordered(planner, walk.narrowed(planner.condition(filter)), order, entries.column)


def _without(planner: Planner, filter: Filter, order: Order) -> list[Row]:
    key, after = order.keys[0], order.after
    absent = Sql(f"{key.value.text} IS NULL", key.value.values)
    rest = replace(order, keys=order.keys[1:], after=after and after[1:])
    scope = planner.many(filter).narrowed(absent)
    return [(None, *row) for row in _ordered(planner, scope, rest)]


def _ordered(planner: Planner, scope: Scope, order: Order, lead: str | None = None) -> list[Row]:
    found = order.statement(scope, lead)
    return [tuple(row) for row in planner.numbers.connection.execute(found.text, found.values)]


def _resources(connection: sqlite3.Connection, type: str, pks: Sequence[int]) -> list[Stored]:
    rows = connection.execute(BODIES, (json.dumps(pks),))
    found = {row[5]: stored(type, row) for row in rows}
    return [found[pk] for pk in pks]
