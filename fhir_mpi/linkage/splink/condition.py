"""The SQL condition of a level as a function of two rows.

NULL is None and follows SQL's three-valued logic; a condition that is NULL does not hold. Parsed once, by
sqlglot as DuckDB would; what is not in the tables of `functions` is refused by name.

A column of Splink's has one value, a feature of a Record several (old and new names): a condition holds
of two records where it holds of one value each of its columns.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final, TypeAlias

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from fhir_mpi.linkage.splink.functions import BY_CLASS, BY_NAME, CASTS, CHECKS, OF_BYTES, date_difference

MOST_VARIANTS: Final = 64
"""Ways to choose one value of each column that are tried, per record."""
Row: TypeAlias = Sequence[Any]
"""A record: a tuple of values for each column's number; an empty one is NULL."""
Condition: TypeAlias = Callable[[Row, Row], bool]
Value: TypeAlias = Callable[[Row, Row], Any]
Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Column:
    """Where a column is in a row; the whole list of values, or one of them."""

    number: int
    is_list: bool = False


class UntranslatableCondition(ValueError):
    """A condition that can't be evaluated here; the text names what is at fault."""


def compiled_condition(sql: str, columns: Mapping[str, Column], *, of_bytes: bool = False) -> Condition:
    """Whether a level's condition holds of two rows, whose columns have these names.

    Texts are compared by characters, or by their bytes in UTF-8. Raises UntranslatableCondition.

    >>> same = compiled_condition('"name_l" = "name_r"', {"name": Column(0)})
    >>> ana, eva, both, nobody = [("ana",)], [("eva",)], [("eva", "ana")], [()]
    >>> same(ana, ana), same(ana, eva), same(ana, both), same(nobody, nobody)
    (True, False, True, False)
    """
    try:
        tree: Any = parse_one(sql, dialect="duckdb")
    except SqlglotError as error:
        raise UntranslatableCondition(f"this is no SQL condition: {sql}") from error
    translation = _Translation(columns, OF_BYTES if of_bytes else {})
    value = translation.value(tree)
    ours, theirs = (sorted(numbers) for numbers in translation.single)

    def holds(left: Row, right: Row) -> bool:
        if value(left, right) is True:
            return True
        for number in ours:
            if len(left[number]) > 1:
                break
        else:
            for number in theirs:
                if len(right[number]) > 1:
                    break
            else:
                return False
        choices = product(_variants(left, ours), list(_variants(right, theirs)))
        return any(value(one, other) is True for one, other in choices)

    return holds


def _variants(row: Row, numbers: Collection[int]) -> Iterator[Row]:
    """The row with one value for each of these columns, in every way."""
    for chosen in islice(product(*(row[number] or [None] for number in numbers)), MOST_VARIANTS):
        variant = list(row)
        for number, value in zip(numbers, chosen, strict=True):
            variant[number] = () if value is None else (value,)
        yield variant


class _Translation:
    """`single` are the numbers of the left and the right columns of which one value is looked at."""

    def __init__(self, columns: Mapping[str, Column], instead: Mapping[Function, Function]) -> None:
        self._columns, self._instead = columns, instead
        self.single: tuple[set[int], set[int]] = (set(), set())

    def value(self, node: exp.Expression) -> Value:
        """What an expression is worth, for two rows."""
        special = _SPECIAL.get(type(node))
        if special is not None:
            return special(self, node)
        if type(node) in BY_CLASS:
            names, function = BY_CLASS[type(node)]
            return self._applied(function, _arguments(node, names))
        if isinstance(node, exp.Anonymous) and node.name.lower() in BY_NAME:
            return self._applied(BY_NAME[node.name.lower()], node.expressions)
        raise UntranslatableCondition(f"{_name(node)} can't be translated: {node.sql('duckdb')}")

    def _applied(self, function: Function, nodes: Sequence[exp.Expression]) -> Value:
        """A function of one to three arguments; NULL where one of them is."""
        _check_literals(function, nodes)
        function = self._instead.get(function, function)
        arguments = [self.value(node) for node in nodes]
        match arguments:
            case [one]:
                return lambda left, right: None if (a := one(left, right)) is None else function(a)
            case [one, other]:
                return self._of_columns(function, nodes) or _binary(function, one, other)
            case _:
                return _many(function, arguments)

    def _of_columns(self, function: Function, nodes: Sequence[exp.Expression]) -> Value | None:
        """The common case, a column of one row and one of the other, without a call for each."""
        if not all(isinstance(node, exp.Column) for node in nodes):
            return None
        (one, first_left), (other, second_left) = (self._place(node) for node in nodes)
        if not first_left or second_left or one.is_list or other.is_list:
            return None
        i, j = one.number, other.number

        def apply(left: Row, right: Row) -> Any:
            a, b = left[i], right[j]
            return function(a[0], b[0]) if a and b else None

        return apply

    def _place(self, node: exp.Expression) -> tuple[Column, bool]:
        """A column, and whether it is the left row's."""
        name, side = node.name, node.args.get("table")
        if side is None:
            name, _, suffix = name.rpartition("_")
        else:
            suffix = side.name
        if suffix not in ("l", "r") or name not in self._columns:
            raise UntranslatableCondition(f"no column of a record: {node.sql('duckdb')}")
        column, is_left = self._columns[name], suffix == "l"
        if not column.is_list:
            self.single[not is_left].add(column.number)
        return column, is_left

    def column(self, node: exp.Expression) -> Value:
        column, is_left = self._place(node)
        number = column.number
        if column.is_list:
            return (
                (lambda left, _: left[number] or None)
                if is_left
                else (lambda _, right: right[number] or None)
            )
        if is_left:
            return lambda left, _: left[number][0] if left[number] else None
        return lambda _, right: right[number][0] if right[number] else None

    def literal(self, node: exp.Expression) -> Value:
        text = node.name
        constant = text if node.is_string else int(text) if text.isdigit() else float(text)
        return lambda left, right: constant

    def inner(self, node: exp.Expression) -> Value:
        return self.value(node.this)

    def null(self, _: exp.Expression) -> Value:
        return lambda left, right: None

    def boolean(self, node: exp.Expression) -> Value:
        constant = bool(node.this)
        return lambda left, right: constant

    def both(self, node: exp.Expression) -> Value:
        one, other = self.value(node.this), self.value(node.expression)

        def conjunction(left: Row, right: Row) -> bool | None:
            a = one(left, right)
            if a is False:
                return False
            b = other(left, right)
            return False if b is False else None if a is None or b is None else True

        return conjunction

    def either(self, node: exp.Expression) -> Value:
        one, other = self.value(node.this), self.value(node.expression)

        def disjunction(left: Row, right: Row) -> bool | None:
            a = one(left, right)
            if a is True:
                return True
            b = other(left, right)
            return True if b is True else None if a is None or b is None else False

        return disjunction

    def negation(self, node: exp.Expression) -> Value:
        inner = self.value(node.this)
        return lambda left, right: None if (a := inner(left, right)) is None else not a

    def null_test(self, node: exp.Expression) -> Value:
        if not isinstance(node.expression, exp.Null):
            raise UntranslatableCondition(f"IS can't be translated: {node.sql('duckdb')}")
        inner = self.value(node.this)
        return lambda left, right: inner(left, right) is None

    def null_if(self, node: exp.Expression) -> Value:
        one, other = self.value(node.this), self.value(node.expression)
        return lambda left, right: None if (a := one(left, right)) == other(left, right) else a

    def first_present(self, node: exp.Expression) -> Value:
        values = [self.value(each) for each in (node.this, *node.expressions)]
        return lambda left, right: next((a for v in values if (a := v(left, right)) is not None), None)

    def least(self, node: exp.Expression) -> Value:
        return self._extreme(min, node)

    def greatest(self, node: exp.Expression) -> Value:
        return self._extreme(max, node)

    def membership(self, node: exp.Expression) -> Value:
        inner, members = self.value(node.this), [self.value(each) for each in node.expressions]

        def contained(left: Row, right: Row) -> bool | None:
            a = inner(left, right)
            return None if a is None else any(a == member(left, right) for member in members)

        return contained

    def case(self, node: exp.Expression) -> Value:
        if node.args.get("this") is not None:
            raise UntranslatableCondition(f"CASE of a value can't be translated: {node.sql('duckdb')}")
        branches = [(self.value(each.this), self.value(each.args["true"])) for each in node.args["ifs"]]
        default = node.args.get("default")
        otherwise = self.value(default) if default is not None else self.null(node)

        def chosen(left: Row, right: Row) -> Any:
            for test, result in branches:
                if test(left, right) is True:
                    return result(left, right)
            return otherwise(left, right)

        return chosen

    def cast(self, node: exp.Expression) -> Value:
        kind, inner = node.args["to"].this.name, self.value(node.this)
        if kind not in CASTS:
            raise UntranslatableCondition(f"a cast to {kind} can't be translated: {node.sql('duckdb')}")
        convert = CASTS[kind]

        def converted(left: Row, right: Row) -> Any:
            a = inner(left, right)
            try:
                return None if a is None else convert(a)
            except (TypeError, ValueError):
                return None

        return converted

    def days(self, node: exp.Expression) -> Value:
        unit = node.args["unit"].name.upper()
        if unit not in ("DAY", "MONTH", "YEAR"):
            raise UntranslatableCondition(f"a difference in {unit} can't be translated: {node.sql('duckdb')}")
        return self._applied(lambda a, b: date_difference(a, b, unit), [node.expression, node.this])

    def element(self, node: exp.Expression) -> Value:
        """One element of a list. sqlglot takes one off its number, where Python only counts from 0."""
        inner, [place] = self.value(node.this), node.expressions
        if not isinstance(place, exp.Literal | exp.Neg):
            raise UntranslatableCondition(f"Bracket can't be translated: {node.sql('duckdb')}")
        number = int(place.sql()) + isinstance(place, exp.Neg)

        def one(left: Row, right: Row) -> Any:
            a = inner(left, right)
            return a[number] if a is not None and -len(a) <= number < len(a) else None

        return one

    def pairwise(self, node: exp.Expression) -> Value:
        """list_min or list_max over all pairs of two lists, as Splink writes it with list_transform."""
        found, (one, other) = _pair_function(node), self._pair_columns(node)
        function = self._instead.get(found, found)
        best = min if isinstance(node, exp.ArrayMin) else max

        def extreme(left: Row, right: Row) -> Any:
            a, b = one(left, right), other(left, right)
            if a is None or b is None:
                return None
            return best((function(x, y) for x in a for y in b), default=None)

        return extreme

    def _pair_columns(self, node: exp.Expression) -> tuple[Value, Value]:
        columns = [self.column(each) for each in node.this.this.find_all(exp.Column)]
        if len(columns) != 2:
            raise UntranslatableCondition(f"{_name(node)} can't be translated: {node.sql('duckdb')}")
        return columns[0], columns[1]

    def _extreme(self, best: Callable[..., Any], node: exp.Expression) -> Value:
        values = [self.value(each) for each in (node.this, *node.expressions)]

        def extreme(left: Row, right: Row) -> Any:
            found = [a for value in values if (a := value(left, right)) is not None]
            return best(found) if found else None

        return extreme


def _binary(function: Function, one: Value, other: Value) -> Value:
    def apply(left: Row, right: Row) -> Any:
        a = one(left, right)
        if a is None:
            return None
        b = other(left, right)
        return None if b is None else function(a, b)

    return apply


def _many(function: Function, arguments: Sequence[Value]) -> Value:
    def apply(left: Row, right: Row) -> Any:
        values = [argument(left, right) for argument in arguments]
        return None if None in values else function(*values)

    return apply


def _pair_function(node: exp.Expression) -> Function:
    """The distance in `list_transform(flatten(...), pair -> distance(pair[1], pair[2]))`."""
    transform = node.this
    flat = isinstance(transform, exp.Transform) and isinstance(transform.this, exp.Flatten)
    body = transform.expression.this if flat else None
    if body is not None and len(list(body.find_all(exp.Bracket))) == 2:
        if type(body) in BY_CLASS:
            return BY_CLASS[type(body)][1]
        if isinstance(body, exp.Anonymous) and body.name.lower() in BY_NAME:
            return BY_NAME[body.name.lower()]
    raise UntranslatableCondition(f"{_name(node)} can't be translated: {node.sql('duckdb')}")


def _arguments(node: exp.Expression, names: Sequence[str]) -> list[exp.Expression]:
    """Those that are there, one by one."""
    found = [node.args.get(name) for name in names]
    return [each for one in found if one is not None for each in (one if isinstance(one, list) else [one])]


def _check_literals(function: Function, nodes: Sequence[exp.Expression]) -> None:
    """A pattern or a date format that can't be read here would else never hold, and nobody would know."""
    check = CHECKS.get(function)
    if check is None or len(nodes) < 2 or not isinstance(nodes[1], exp.Literal):
        return
    try:
        check(nodes[1].name)
    except ValueError as error:
        raise UntranslatableCondition(f"{nodes[1].sql('duckdb')} can't be translated: {error}") from error


def _name(node: exp.Expression) -> str:
    return node.name if isinstance(node, exp.Anonymous) else type(node).__name__


_SPECIAL: Final[Mapping[type[exp.Expression], Callable[[_Translation, Any], Value]]] = {
    exp.And: _Translation.both,
    exp.ArrayMax: _Translation.pairwise,
    exp.ArrayMin: _Translation.pairwise,
    exp.Boolean: _Translation.boolean,
    exp.Bracket: _Translation.element,
    exp.Case: _Translation.case,
    exp.Cast: _Translation.cast,
    exp.Coalesce: _Translation.first_present,
    exp.Column: _Translation.column,
    exp.DateDiff: _Translation.days,
    exp.Greatest: _Translation.greatest,
    exp.In: _Translation.membership,
    exp.Is: _Translation.null_test,
    exp.Least: _Translation.least,
    exp.Literal: _Translation.literal,
    exp.Not: _Translation.negation,
    exp.Null: _Translation.null,
    exp.Nullif: _Translation.null_if,
    exp.Or: _Translation.either,
    exp.Paren: _Translation.inner,
    exp.TryCast: _Translation.cast,
}
"""What is more than a function of values that are there."""
