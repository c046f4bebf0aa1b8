"""Where a search begins: the rows a filter can be found among, chosen by counting a little first."""

from dataclasses import dataclass
from typing import Final

from fhir_mpi.search.filters import (
    EVERYTHING,
    And,
    Contains,
    Equals,
    Filter,
    Leaf,
    Not,
    OneOf,
    Or,
    Present,
    Referred,
    Refers,
    SameAs,
    Within,
)
from fhir_mpi.storage.sqlite.codes import Kind, Numbers
from fhir_mpi.storage.sqlite.filters import (
    LAST_UPDATED,
    Sql,
    Subject,
    condition,
    entry_tests,
    moment,
    named_id,
    one_of,
    written_as,
)

# Leaves are counted to 100 first, so that an identifier decides at once; what has more than the last
# number of rows is no place to begin at: walking all resources in order meets its rows soon enough.
ROUNDS: Final = (100, 2_000, 20_000)
NOBODY: Final = "SELECT NULL AS pk WHERE 0"


@dataclass(frozen=True, slots=True)
class Rows:
    """A statement for the pks of some resources, all that the filter finds among them; `rest` is
    what those must still be. A pk may come several times.
    """

    pks: Sql
    size: int
    rest: Filter


@dataclass(frozen=True, slots=True)
class Scope:
    """FROM and WHERE of a search; `pk` is the column that is cheapest to bound and to order by."""

    text: str
    values: tuple[object, ...]
    pk: str = "r.pk"

    def narrowed(self, *tests: Sql) -> "Scope":
        values = tuple(value for test in tests for value in test.values)
        return Scope(
            self.text + "".join(f" AND {test.text}" for test in tests), self.values + values, self.pk
        )


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans for the filters of one type on one connection."""

    numbers: Numbers
    type: str

    @property
    def subject(self) -> Subject:
        return Subject(self.numbers, self.type)

    @property
    def type_number(self) -> int:
        return self.numbers.type(self.type)

    def number(self, kind: Kind, name: str) -> int | None:
        return self.numbers.code(self.type, kind, name)

    def condition(self, filter: Filter) -> Sql:
        return condition(filter, self.subject)

    def scope(self, filter: Filter) -> Scope:
        """Every current resource that the filter finds, beginning at the best place."""
        if not isinstance(filter, Equals) or filter.code == "_id":
            rows = self.few(filter)
            if rows is not None:
                return self.among(rows)
        return self.many(filter)

    def leaf(self, filter: Filter) -> Sql | None:
        """The pks, maybe repeated, that a single leaf finds, or that are behind few references; None
        for any other filter.
        """
        if isinstance(filter, Refers | Referred):
            return self._linked(filter, ROUNDS[-1], scan=True)
        if isinstance(filter, And | Or | Not | SameAs) or filter in (Present("_id"), Present(LAST_UPDATED)):
            return None
        return self._pks(filter)

    def few(self, filter: Filter) -> Rows | None:
        """The fewest rows that hold all the filter finds; None where they would be too many."""
        rounds = (self._rows(filter, limit, scan=limit == ROUNDS[-1]) for limit in ROUNDS)
        return next((rows for rows in rounds if rows is not None), None)

    def among(self, rows: Rows) -> Scope:
        text = f"resource AS r WHERE r.pk IN ({rows.pks.text})"
        return Scope(text, rows.pks.values).narrowed(self.condition(rows.rest))

    def many(self, filter: Filter) -> Scope:
        """For a filter that finds much: along one value's own entries, or else all resources."""
        parts = filter.parts if isinstance(filter, And) else (filter,)
        for part in parts:
            if isinstance(part, Equals) and part.code != "_id" and (tests := entry_tests(part, self.subject)):
                text = (
                    "ix_text AS e INDEXED BY ix_text_by_value CROSS JOIN resource AS r ON r.pk = e.pk "
                    f"WHERE {tests[0][1].text}"
                )
                others = And(tuple(other for other in parts if other is not part))
                return Scope(text, tests[0][1].values, "e.pk").narrowed(self.condition(others))
        return self.all().narrowed(self.condition(filter))

    def all(self) -> Scope:
        return Scope("resource AS r WHERE r.type = ? AND r.json IS NOT NULL", (self.type_number,))

    def _rows(self, filter: Filter, limit: int, scan: bool) -> Rows | None:
        """Rows that hold all the filter finds, fewer than `limit`; None where there are more. Without
        `scan`, no leaf that would read all of its code.
        """
        match filter:
            case And(parts):
                return self._rows_of_one(parts, limit, scan)
            case Or(parts):
                return self._rows_of_each(filter, parts, limit, scan)
            case Contains() if not scan:
                return None
            case Refers() | Referred():
                return self._counted(self._linked(filter, limit, scan), limit)
            case _:
                return self._counted(self.leaf(filter), limit)

    def _counted(self, pks: Sql | None, limit: int) -> Rows | None:
        size = limit if pks is None else self._count(pks, limit)
        return Rows(pks, size, EVERYTHING) if pks is not None and size < limit else None

    def _rows_of_one(self, parts: tuple[Filter, ...], limit: int, scan: bool) -> Rows | None:
        for part in parts:
            rows = self._rows(part, limit, scan)
            if rows is not None:
                others = tuple(other for other in parts if other is not part)
                return Rows(rows.pks, rows.size, And((*others, rows.rest)) if others else rows.rest)
        return None

    def _rows_of_each(self, filter: Or, parts: tuple[Filter, ...], limit: int, scan: bool) -> Rows | None:
        found: list[Rows] = []
        for part in parts:
            rows = self._rows(part, limit - sum(each.size for each in found), scan)
            if rows is None:
                return None
            found.append(rows)
        text = " UNION ALL ".join(rows.pks.text for rows in found) or NOBODY
        values = tuple(value for rows in found for value in rows.pks.values)
        exact = all(rows.rest == EVERYTHING for rows in found)
        return Rows(Sql(text, values), sum(rows.size for rows in found), EVERYTHING if exact else filter)

    def _pks(self, leaf: Leaf) -> Sql:
        current = "SELECT r.pk AS pk FROM resource AS r WHERE r.type = ? AND r.json IS NOT NULL"
        if isinstance(leaf, Equals) and leaf.code == "_id":
            return Sql(f"{current} AND r.id = ?", (self.type_number, leaf.value))
        if isinstance(leaf, OneOf) and leaf.code == "_id":
            test = one_of("r.id", leaf.values)
            return Sql(f"{current} AND {test.text}", (self.type_number, *test.values))
        if isinstance(leaf, Within) and leaf.code == LAST_UPDATED:
            test = moment(leaf, "r.last_updated")
            return Sql(f"{current} AND {test.text}", (self.type_number, *test.values))
        return self._entry_pks(leaf)

    def _entry_pks(self, leaf: Leaf) -> Sql:
        tests = entry_tests(leaf, self.subject)
        text = " UNION ALL ".join(
            f"SELECT e.pk AS pk FROM {table} AS e WHERE {test.text}"  # noqa: S608
            for table, test in tests
        )
        return Sql(text or NOBODY, tuple(v for _, test in tests for v in test.values))

    def _linked(self, node: Refers | Referred, limit: int, scan: bool) -> Sql | None:
        """The pks, maybe repeated, found from the other ends; None where those are not few."""
        other = Planner(self.numbers, node.type)
        rows = other._rows(node.filter, limit, scan)
        if rows is None:
            return None
        return (
            self._referring(node, other, rows) if isinstance(node, Refers) else self._named(node, other, rows)
        )

    def _referring(self, node: Refers, other: "Planner", rows: Rows) -> Sql:
        code = self.number("text", node.code)
        if code is None:
            return Sql(NOBODY)
        scope, reference = other.among(rows), written_as(node.written, "t.id")
        text = (
            f"SELECT e.pk AS pk FROM (SELECT r.id AS id FROM {scope.text}) AS t "  # noqa: S608
            "CROSS JOIN ix_text AS e INDEXED BY ix_text_by_value "
            f"WHERE e.code = ? AND e.value IN {reference.text}"
        )
        return Sql(text, (*scope.values, code, *reference.values))

    def _named(self, node: Referred, other: "Planner", rows: Rows) -> Sql:
        code = other.number("text", node.code)
        if code is None:
            return Sql(NOBODY)
        scope, id = other.among(rows), named_id(node.written)
        text = (
            f"SELECT s.pk AS pk FROM (SELECT r.pk AS pk FROM {scope.text}) AS t "  # noqa: S608
            "CROSS JOIN ix_text AS e ON e.pk = t.pk AND e.code = ? "
            f"CROSS JOIN resource AS s ON s.type = ? AND s.id = {id.text} WHERE s.json IS NOT NULL"
        )
        return Sql(text, (*scope.values, code, self.type_number, *id.values))

    def _count(self, pks: Sql, limit: int) -> int:
        text = f"SELECT count(*) FROM (SELECT * FROM ({pks.text}) LIMIT ?)"  # noqa: S608
        return int(self.numbers.connection.execute(text, (*pks.values, limit)).fetchone()[0])
