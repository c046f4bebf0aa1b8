"""The order of a search, and where in it a page begins."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fhir_mpi.search.filters import Sort
from fhir_mpi.storage.sqlite.codes import Kind
from fhir_mpi.storage.sqlite.filters import ID, LAST_UPDATED, Sql
from fhir_mpi.storage.sqlite.plans import Planner, Scope

Row: TypeAlias = tuple[Any, ...]
"""The values that a resource is sorted by, then its pk: a position in the order."""

KINDS: Final[tuple[tuple[str, Kind, str], ...]] = (("ix_text", "text", "value"), ("ix_range", "range", "low"))
COLUMNS: Final = {ID: "r.id", LAST_UPDATED: "r.last_updated"}


@dataclass(frozen=True, slots=True)
class Entries:
    """The index of one code, walked so that each resource is met at the one entry it is sorted by.
    `column` is the entry's value there.
    """

    text: str
    number: int
    column: str


@dataclass(frozen=True, slots=True)
class Key:
    """One value to sort by, as SQL about the resource `r`; NULL where the resource has none. A key
    with a value for every resource is a column; one of a code that is in use has its entries.
    """

    value: Sql
    descending: bool
    column: str | None = None
    entries: Entries | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """`wanted` positions by these keys, after a position. Who has no value comes last; those that are
    equal come by pk, `descending` or not as the first key is, so that an index serves both ways.
    `backwards`, all of it is the other way round.
    """

    keys: tuple[Key, ...]
    after: Row | None
    wanted: int
    descending: bool
    backwards: bool = False

    def statement(self, scope: Scope, lead: str | None = None) -> Sql:
        """The positions in a scope. `lead` is a column that equals the first key and is never NULL:
        an index on it spares the sorting.
        """
        values = [key.value for key in self.keys]
        if lead is not None:
            values[0] = Sql(lead)
        names = [f"k{n}" for n in range(len(values))]
        begin = self._begin(scope.pk, [lead or name if n == 0 else name for n, name in enumerate(names)])
        columns = [f"{value.text} AS {name}, " for value, name in zip(values, names, strict=True)]
        text = (
            f"SELECT {''.join(columns)}{scope.pk} FROM {scope.text}{begin.text} "  # noqa: S608
            f"ORDER BY {self._ordering(scope.pk, lead)} LIMIT ?"
        )
        shown = tuple(value for column in values for value in column.values)
        return Sql(text, (*shown, *scope.values, *begin.values, self.wanted))

    def _ordering(self, pk: str, lead: str | None) -> str:
        terms = [
            f"{lead}{self._direction(key.descending)}"
            if n == 0 and lead is not None
            else f"k{n}{self._direction(key.descending)} NULLS {'FIRST' if self.backwards else 'LAST'}"
            for n, key in enumerate(self.keys)
        ]
        return ", ".join([*terms, f"{pk}{self._direction(self.descending)}"])

    def _begin(self, pk: str, names: list[str]) -> Sql:
        """The test for a later position, compared key by key, the pk last."""
        if self.after is None:
            return Sql("")
        *values, last = self.after
        past = Sql(f"{pk} {self._sign(self.descending)} ?", (last,))
        for key, name, value in reversed(list(zip(self.keys, names, values, strict=True))):
            past = self._past(name, value, key.descending, past)
        if self.keys and not names[0].startswith("k"):  # says what follows anyway, for the index to begin at
            bound = f" AND {names[0]} {self._sign(self.keys[0].descending)}= ?"
            return Sql(f"{bound} AND {past.text}", (values[0], *past.values))
        return Sql(f" AND {past.text}", past.values)

    def _past(self, name: str, value: object, descending: bool, equal: Sql) -> Sql:
        """Later than a value, or the same and then later by what follows."""
        if value is None:
            same = f"{name} IS NULL AND {equal.text}"
            return Sql(f"({name} IS NOT NULL OR {same})" if self.backwards else f"({same})", equal.values)
        later = f"{name} {self._sign(descending)} ?" + ("" if self.backwards else f" OR {name} IS NULL")
        return Sql(f"({later} OR {name} = ? AND {equal.text})", (value, value, *equal.values))

    def _sign(self, descending: bool) -> str:
        return "<" if descending is not self.backwards else ">"

    def _direction(self, descending: bool) -> str:
        return " DESC" if descending is not self.backwards else ""


def sort_key(planner: Planner, sort: Sort) -> Key:
    """The least value of the code, or the greatest descending; of intervals, the low ends."""
    if sort.code in COLUMNS:
        column = COLUMNS[sort.code]
        return Key(Sql(column), sort.descending, column)
    for table, kind, column in KINDS:
        number = planner.number(kind, sort.code)
        if number is not None:
            return _code_key(table, column, number, sort.descending)
    return Key(Sql("NULL"), sort.descending)


def _code_key(table: str, column: str, number: int, descending: bool) -> Key:
    least = "max" if descending else "min"
    value = f"(SELECT {least}(s.{column}) FROM {table} AS s WHERE s.pk = r.pk AND s.code = ?)"  # noqa: S608
    whole = "value" if table == "ix_text" else "low, high"
    mine = ", ".join(f"e.{part}" for part in whole.split(", "))
    index = "ix_text_by_value" if table == "ix_text" else "ix_range_by_low"
    walk = (
        f"{table} AS e INDEXED BY {index} CROSS JOIN resource AS r ON r.pk = e.pk WHERE e.code = ? "  # noqa: S608
        f"AND NOT EXISTS (SELECT 1 FROM {table} AS s WHERE s.pk = e.pk AND s.code = e.code "
        f"AND ({whole}) {'>' if descending else '<'} ({mine}))"
    )
    return Key(Sql(value, (number,)), descending, None, Entries(walk, number, f"e.{column}"))
