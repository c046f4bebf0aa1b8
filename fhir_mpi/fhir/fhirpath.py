"""The part of FHIRPath that search parameters, match rules and the paths of patches use, as a syntax tree.

Paths, `|`, `where()`, `ofType()`, `as`, `exists()`, `extension()`, `first()`, `[n]`, `resolve() is T`,
`and`, `=`, `!=`, `$this`, literals and parentheses: every R5 SearchParameter keeps to these. Patches use
`or` and the functions of `CALLS` beside, match rules also `&`, `iif()` and the functions of
`fhir.functions`. Anything else is refused by name instead of being half understood.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from fhir_mpi.fhir.functions import FUNCTIONS


class UnsupportedExpression(ValueError):
    """An expression that is outside the grammar, or says nothing about its base."""


@dataclass(frozen=True, slots=True)
class Focus:
    """The resource, or inside `where()` the item being looked at."""


@dataclass(frozen=True, slots=True)
class Root:
    type: str


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | bool


@dataclass(frozen=True, slots=True)
class Member:
    of: "Node"
    name: str


@dataclass(frozen=True, slots=True)
class OfType:
    """`of.name.ofType(type)`; the element must be named, because the JSON key says the type."""

    of: "Node"
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Where:
    of: "Node"
    criterion: "Node"


@dataclass(frozen=True, slots=True)
class Extension:
    of: "Node"
    url: str


@dataclass(frozen=True, slots=True)
class Item:
    of: "Node"
    position: int


@dataclass(frozen=True, slots=True)
class Exists:
    of: "Node"


@dataclass(frozen=True, slots=True)
class Resolve:
    of: "Node"


@dataclass(frozen=True, slots=True)
class ResolvesTo:
    of: "Node"
    type: str


@dataclass(frozen=True, slots=True)
class Union:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Both:
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Either:
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Equal:
    left: "Node"
    right: "Node"
    negated: bool


@dataclass(frozen=True, slots=True)
class Call:
    """`of.name(argument)`, one of CALLS."""

    of: "Node"
    name: str
    argument: "Node | None"


@dataclass(frozen=True, slots=True)
class Applied:
    """`of.name(arguments)`, one of `fhir.functions`; the arguments are literals."""

    of: "Node"
    name: str
    arguments: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """`left & right`."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """`of.iif(criterion, then, otherwise)`, about each item."""

    of: "Node"
    criterion: "Node"
    then: "Node"
    otherwise: "Node | None"


Node: TypeAlias = (
    Focus
    | Root
    | Literal
    | Member
    | OfType
    | Where
    | Extension
    | Item
    | Exists
    | Resolve
    | ResolvesTo
    | Union
    | Both
    | Either
    | Equal
    | Call
    | Applied
    | Joined
    | Choice
)

CALLS: Final[Mapping[str, bool]] = {
    "all": True,
    "contains": True,
    "count": False,
    "empty": False,
    "endsWith": True,
    "hasValue": False,
    "last": False,
    "not": False,
    "single": False,
    "skip": True,
    "startsWith": True,
    "tail": False,
    "take": True,
}
"""Functions that no SearchParameter of R5 uses, and whether they take an argument."""

_TOKEN: Final = re.compile(r"\s*('(?:[^'\\]|\\.)*'|\d+|[A-Za-z_]\w*|`\w+`|\$this|!=|[|=.,&()\[\]])")


def parse(expression: str) -> Node:
    """The syntax tree of an expression; raises UnsupportedExpression naming what is not understood.

    >>> parse("Patient.name | Person.name")
    Union(parts=(Member(of=Root(type='Patient'), name='name'), Member(of=Root(type='Person'), name='name')))
    """
    return _Parser(expression).whole()


class _Parser:
    """Recursive descent, one method for each level of precedence (FHIRPath 2.0, section 9.1)."""

    def __init__(self, expression: str) -> None:
        self.tokens = _tokens(expression)
        self.at = 0

    def whole(self) -> Node:
        node = self.disjunction()
        if self.at < len(self.tokens):
            raise UnsupportedExpression(f"unexpected {self.tokens[self.at]!r}")
        return node

    def disjunction(self) -> Node:
        node = self.conjunction()
        while self.accept("or"):
            node = Either(node, self.conjunction())
        return node

    def conjunction(self) -> Node:
        node = self.equality()
        while self.accept("and"):
            node = Both(node, self.equality())
        return node

    def equality(self) -> Node:
        node = self.union()
        for sign in ("=", "!="):
            if self.accept(sign):
                return Equal(node, self.union(), negated=sign == "!=")
        return node

    def union(self) -> Node:
        parts = [self.typed()]
        while self.accept("|"):
            parts.append(self.typed())
        return parts[0] if len(parts) == 1 else Union(tuple(parts))

    def typed(self) -> Node:
        node = self.joined()
        if self.accept("as"):
            return _of_type(node, self.take())
        if self.accept("is"):
            return _resolves_to(node, self.take())
        return node

    def joined(self) -> Node:
        node = self.path()
        while self.accept("&"):
            node = Joined(node, self.path())
        return node

    def path(self) -> Node:
        node = self.start()
        while True:
            if self.accept("."):
                node = self.invocation(node)
            elif self.accept("["):
                node = Item(node, int(self.take()))
                self.expect("]")
            else:
                return node

    def start(self) -> Node:
        token = self.take()
        if token == "(":  # noqa: S105 - a parenthesis
            node = self.disjunction()
            self.expect(")")
            return node
        if token == "$this":  # noqa: S105 - the item being looked at
            return Focus()
        if token[0] == "'" or token.isdigit() or token in ("true", "false"):
            return Literal(_literal(token))
        if token[0].isupper():
            return Root(token)
        self.at -= 1
        return self.invocation(Focus())

    def invocation(self, of: Node) -> Node:
        name = self.take()
        if name[0] == "`":
            return Member(of, name.strip("`"))
        if not (name[0].isalpha() or name[0] == "_"):
            raise UnsupportedExpression(f"unexpected {name!r}")
        if not self.accept("("):
            return Member(of, name)
        if name in CALLS:
            return self.call(of, name)
        if name not in _FUNCTIONS and name not in FUNCTIONS:
            raise UnsupportedExpression(f"unsupported function {name}()")
        node = _FUNCTIONS[name](self, of) if name in _FUNCTIONS else self.applied(of, name)
        self.expect(")")
        return node

    def filtered(self, of: Node) -> Node:
        """`of`, or where a criterion stands between the parentheses, what of it meets that."""
        ends = self.at < len(self.tokens) and self.tokens[self.at] == ")"
        return of if ends else Where(of, self.disjunction())

    def call(self, of: Node, name: str) -> Node:
        argument = self.disjunction() if CALLS[name] else None
        self.expect(")")
        return Call(of, name, argument)

    def applied(self, of: Node, name: str) -> Node:
        arguments: list[str | int | bool] = []
        while self.tokens[self.at : self.at + 1] != [")"]:
            if arguments:
                self.expect(",")
            node = self.disjunction()
            if not isinstance(node, Literal):
                raise UnsupportedExpression(f"{name}() is only understood with literals")
            arguments.append(node.value)
        if (fault := FUNCTIONS[name].fault(arguments)) is not None:
            raise UnsupportedExpression(f"{name}() {fault}")
        return Applied(of, name, tuple(arguments))

    def choice(self, of: Node) -> Node:
        criterion = self.disjunction()
        self.expect(",")
        then = self.disjunction()
        return Choice(of, criterion, then, self.disjunction() if self.accept(",") else None)

    def literal(self) -> str:
        token = self.take()
        if token[0] != "'":
            raise UnsupportedExpression(f"a text was expected, not {token!r}")
        return str(_literal(token))

    def accept(self, token: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at] == token
        self.at += found
        return found

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise UnsupportedExpression(f"{token!r} is missing")

    def take(self) -> str:
        if self.at == len(self.tokens):
            raise UnsupportedExpression("it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]


_FUNCTIONS: Final[Mapping[str, Callable[[_Parser, Node], Node]]] = {
    "where": lambda parser, of: Where(of, parser.disjunction()),
    "ofType": lambda parser, of: _of_type(of, parser.take()),
    "as": lambda parser, of: _of_type(of, parser.take()),
    "exists": lambda parser, of: Exists(parser.filtered(of)),
    "first": lambda _, of: Item(of, 0),
    "iif": lambda parser, of: parser.choice(of),
    "resolve": lambda _, of: Resolve(of),
    "extension": lambda parser, of: Extension(of, parser.literal()),
}


def _tokens(expression: str) -> list[str]:
    found, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnsupportedExpression(f"not understood: {text[at : at + 20]!r}")
        found.append(match[1])
        at = match.end()
    return found


def _literal(token: str) -> str | int | bool:
    if token[0] == "'":
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token == "true" if token.isalpha() else int(token)  # noqa: S105 - a boolean


def _of_type(node: Node, type: str) -> Node:
    if not isinstance(node, Member):
        raise UnsupportedExpression("ofType() and as are only understood directly after an element")
    return OfType(node.of, node.name, type)


def _resolves_to(node: Node, type: str) -> Node:
    if not isinstance(node, Resolve):
        raise UnsupportedExpression("is is only understood after resolve()")
    return ResolvesTo(node.of, type)
