"""The filter tree as SQL about one resource: every value is a parameter, never part of the text."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fhir_mpi.search.filters import (
    UNIT_SEPARATOR,
    And,
    Contains,
    Equals,
    Filter,
    Leaf,
    Not,
    OneOf,
    Or,
    Prefix,
    Present,
    Referred,
    Refers,
    SameAs,
    Within,
    after_prefix,
)
from fhir_mpi.storage.sqlite.codes import Kind, Numbers

ID: Final = "_id"
LAST_UPDATED: Final = "_lastUpdated"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is about: a resource of `type`, in the row `row` of the table `resource`."""

    numbers: Numbers
    type: str
    row: str = "r"

    def code(self, kind: Kind, name: str) -> int | None:
        """The number of a code of this type; None where nothing was ever indexed under it."""
        return self.numbers.code(self.type, kind, name)

    def other(self, type: str) -> "Subject":
        """A resource at the other end of a reference, in a row of its own."""
        return Subject(self.numbers, type, self.row + "r")


@dataclass(frozen=True, slots=True)
class Sql:
    """Text with a `?` for each parameter."""

    text: str
    values: tuple[object, ...] = ()


TRUE: Final = Sql("1")
FALSE: Final = Sql("0")


def condition(filter: Filter, subject: Subject) -> Sql:
    """Whether the subject is found by the filter."""
    match filter:
        case And(parts):
            return joined(" AND ", (condition(part, subject) for part in parts), TRUE)
        case Or(parts):
            return joined(" OR ", (condition(part, subject) for part in parts), FALSE)
        case Not(part):
            inner = condition(part, subject)
            return Sql(f"NOT {inner.text}", inner.values)
        case Refers():
            return _refers(filter, subject)
        case Referred():
            return _referred(filter, subject)
        case SameAs():
            raise TypeError("links are followed before a filter is compiled")
        case _:
            return _leaf(filter, subject)


def _leaf(leaf: Leaf, subject: Subject) -> Sql:
    match leaf:
        case Equals("_id", value):
            return Sql(f"{subject.row}.id = ?", (value,))
        case OneOf("_id", values):
            return one_of(f"{subject.row}.id", values)
        case Within("_lastUpdated"):
            return moment(leaf, f"{subject.row}.last_updated")
        case Present("_id" | "_lastUpdated"):
            return TRUE
        case _:
            tests = entry_tests(leaf, subject)
            return joined(" OR ", (_own_entry(subject.row, *test) for test in tests), FALSE)


def joined(word: str, parts: Iterable[Sql], nothing: Sql) -> Sql:
    """The parts in brackets with a word between them; `nothing` where there are none."""
    found = list(parts)
    if not found:
        return nothing
    text = word.join(part.text for part in found)
    return Sql(f"({text})", tuple(value for part in found for value in part.values))


def _refers(node: Refers, subject: Subject) -> Sql:
    """Looks up what the subject's few references under a code name, by type and id."""
    code = subject.code("text", node.code)
    if code is None:
        return FALSE
    other = subject.other(node.type)
    found, id = condition(node.filter, other), named_id(node.written)
    text = (
        f"EXISTS (SELECT 1 FROM ix_text AS e CROSS JOIN resource AS {other.row} "  # noqa: S608
        f"ON {other.row}.type = ? AND {other.row}.id = {id.text} "
        f"WHERE e.pk = {subject.row}.pk AND e.code = ? AND {other.row}.json IS NOT NULL AND {found.text})"
    )
    return Sql(text, (subject.numbers.type(node.type), *id.values, code, *found.values))


def _referred(node: Referred, subject: Subject) -> Sql:
    """Looks up who names the subject, by value; who has index entries is current."""
    other = subject.other(node.type)
    code = other.code("text", node.code)
    if code is None:
        return FALSE
    found, reference = condition(node.filter, other), written_as(node.written, f"{subject.row}.id")
    text = (
        "EXISTS (SELECT 1 FROM ix_text AS e INDEXED BY ix_text_by_value "  # noqa: S608
        f"CROSS JOIN resource AS {other.row} ON {other.row}.pk = e.pk "
        f"WHERE e.code = ? AND e.value IN {reference.text} AND {found.text})"
    )
    return Sql(text, (code, *reference.values, *found.values))


def written_as(written: tuple[str, ...], id: str) -> Sql:
    """The texts that refer to the id in a column, as the right side of IN."""
    return Sql(f"({', '.join(f'? || {id}' for _ in written)})", written)


def one_of(column: str, values: Iterable[str]) -> Sql:
    """Whether a column has one of the values: one parameter, however many there are."""
    return Sql(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(list(values)),))  # noqa: S608


def named_id(written: tuple[str, ...]) -> Sql:
    """The id in the text of the entry `e` behind its beginning; NULL behind any other one."""
    whens = " ".join("WHEN substr(e.value, 1, ?) = ? THEN substr(e.value, ?)" for _ in written)
    values = tuple(value for start in written for value in (len(start), start, len(start) + 1))
    return Sql(f"CASE {whens} END" if written else "NULL", values)


def _own_entry(row: str, table: str, test: Sql) -> Sql:
    """Tests one resource: its entries lie together under its pk.

    The plus keeps the code of an interval from being looked up in an index by value: SQLite prefers a
    range of such an index to the primary key, and would read all of that range for every resource.
    """
    plus = "+" if table == "ix_range" else ""
    text = f"EXISTS (SELECT 1 FROM {table} AS e WHERE e.pk = {row}.pk AND {plus}{test.text})"  # noqa: S608
    return Sql(text, test.values)


def entry_tests(leaf: Leaf, subject: Subject) -> list[tuple[str, Sql]]:
    """The index tables that a leaf looks at, each with what an entry `e` of it must be."""
    kinds: dict[Kind, str] = {"text": "ix_text", "range": "ix_range"}
    if not isinstance(leaf, Present):
        kinds.pop("text" if isinstance(leaf, Within) else "range")
    found: list[tuple[str, Sql]] = []
    for kind, table in kinds.items():
        number = subject.code(kind, leaf.code)
        if number is not None:
            test = _entry(leaf)
            found.append((table, Sql(f"e.code = ?{test.text}", (number, *test.values))))
    return found


def _entry(leaf: Leaf) -> Sql:
    match leaf:
        case Equals(_, value):
            return Sql(" AND e.value = ?", (value,))
        case OneOf(_, values):
            test = one_of("e.value", values)
            return Sql(f" AND {test.text}", test.values)
        case Prefix(_, prefix):
            return _starts_with(prefix)
        case Contains(_, part):
            return _contains(part)
        case Within():
            return _inside(leaf)
        case Present():
            return Sql("")


def _starts_with(prefix: str) -> Sql:
    end = after_prefix(prefix)
    if end is None:
        return Sql(" AND e.value >= ?", (prefix,))
    return Sql(" AND e.value >= ? AND e.value < ?", (prefix, end))


def _contains(part: str) -> Sql:
    if UNIT_SEPARATOR in part:
        return Sql(" AND 0")
    head = "substr(e.value, 1, instr(e.value || char(31), char(31)) - 1)"
    # The first test is cheap and says no for almost every entry.
    return Sql(f" AND instr(e.value, ?) > 0 AND instr({head}, ?) > 0", (part, part))


def _inside(leaf: Within) -> Sql:
    # An interval's low end is never above its high end: each bound holds for the other end too, and
    # narrows what is read of an index that begins with that end.
    bounds = (
        ("e.low >= ?", leaf.low_from),
        ("e.low <= ?", _least(leaf.low_to, leaf.high_to)),
        ("e.high >= ?", _greatest(leaf.high_from, leaf.low_from)),
        ("e.high <= ?", leaf.high_to),
    )
    return _bounded(bounds)


def moment(leaf: Within, column: str) -> Sql:
    """The bounds of `_lastUpdated`, whose two ends are equal, on a column of milliseconds."""
    bounds = (
        (f"{column} >= ?", _greatest(leaf.low_from, leaf.high_from)),
        (f"{column} <= ?", _least(leaf.low_to, leaf.high_to)),
    )
    found = _bounded(bounds)
    return Sql(f"(1{found.text})", found.values)


def _bounded(bounds: Iterable[tuple[str, float | None]]) -> Sql:
    given = [(text, value) for text, value in bounds if value is not None]
    return Sql("".join(f" AND {text}" for text, _ in given), tuple(value for _, value in given))


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _greatest(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)
