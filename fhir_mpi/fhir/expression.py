"""FHIRPath compiled once into Python closures.

A compiled expression takes a resource and returns the elements it names, in order; an element that
two branches name comes twice (index entries are made unique later, where that is cheap).
`resolve() is T` is answered from the reference's own text, without reading anything.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from fhir_mpi.fhir.choices import CHOICES
from fhir_mpi.fhir.fhirpath import (
    Applied,
    Both,
    Call,
    Choice,
    Either,
    Equal,
    Exists,
    Extension,
    Focus,
    Item,
    Joined,
    Literal,
    Member,
    Node,
    OfType,
    Resolve,
    ResolvesTo,
    Root,
    Union,
    UnsupportedExpression,
    Where,
    parse,
)
from fhir_mpi.fhir.functions import FUNCTIONS, Value, text_of, truth
from fhir_mpi.fhir.references import written_type

Evaluate: TypeAlias = Callable[[Any], list[Any]]
_Step: TypeAlias = Callable[[list[Any]], list[Any]]


def compile_expression(expression: str, base: str) -> Evaluate:
    """What `expression` says about resources of type `base`.

    Branches about other types are dropped; those about Resource and DomainResource stay. Raises
    UnsupportedExpression where the grammar is left, or no branch is about `base`.

    >>> deceased = compile_expression("Patient.deceased | Person.deceased", "Patient")
    >>> deceased({"resourceType": "Patient", "deceasedDateTime": "2024"})
    ['2024']
    """
    pruned = _prune(parse(expression), frozenset[str | None]({base, "Resource", "DomainResource"}))
    if pruned is None:
        raise UnsupportedExpression(f"it says nothing about {base}")
    return _evaluate(pruned)


def compile_path(expression: str, type: str) -> Evaluate:
    """What `expression` says about a resource of `type`, written from it or from the name of its type.

    Branches about other types say nothing. Raises UnsupportedExpression where the grammar is left.

    >>> given = compile_path("name.given.first() | Person.name", "Patient")
    >>> given({"resourceType": "Patient", "name": [{"given": ["Ann", "Eve"]}]})
    ['Ann']
    """
    pruned = _prune(parse(expression), frozenset({type, "Resource", "DomainResource", None}))
    return _evaluate(pruned) if pruned is not None else lambda _: []


def compile_element_expression(expression: str) -> Evaluate:
    """What `expression` says about an element, as a component of a composite parameter does.

    >>> compile_element_expression("value.ofType(Quantity)")({"valueQuantity": {"value": 1}})
    [{'value': 1}]
    """
    return _evaluate(parse(expression))


def reference_type(reference: Any) -> str | None:
    """The resource type that a Reference or a canonical names, or None where it doesn't tell.

    >>> reference_type({"reference": "https://example.org/fhir/Patient/1/_history/2"})
    'Patient'
    """
    if isinstance(reference, dict):
        named = reference.get("type")
        if isinstance(named, str):
            return named.rpartition("/")[2]
        reference = reference.get("reference")
    return written_type(reference) if isinstance(reference, str) else None


def _prune(node: Node, roots: frozenset[str | None]) -> Node | None:
    if isinstance(node, Union):
        kept = tuple(p for part in node.parts if (p := _prune(part, roots)) is not None)
        return Union(kept) if len(kept) > 1 else next(iter(kept), None)
    return node if _root(node) in roots else None


def _root(node: Node) -> str | None:
    match node:
        case Root(type):
            return type
        case Both(left, _) | Either(left, _) | Joined(left, _) | Equal(left, _, _):
            return _root(left)
        case Focus() | Literal():
            return None
        case Union(parts):
            roots = {_root(part) for part in parts}
            return roots.pop() if len(roots) == 1 else None
        case _:
            return _root(node.of)


def _evaluate(node: Node) -> Evaluate:
    match node:
        case Union(parts):
            branches = [_evaluate(part) for part in parts]
            return lambda focus: [found for branch in branches for found in branch(focus)]
        case Both() | Either() | Joined() | Equal():
            return _operator(node)
        case Exists() | Applied() | Call() | Choice():
            return _function(node)
        case Literal(value):
            return lambda _: [value]
        case ResolvesTo(of, type):
            inner = _evaluate(of)
            return lambda focus: [reference_type(found) == type for found in inner(focus)]
        case Resolve():
            raise UnsupportedExpression("resolve() is only understood before is")
        case _:
            return _path(tuple(_steps(node)))


def _operator(node: Both | Either | Joined | Equal) -> Evaluate:
    left, right = _evaluate(node.left), _evaluate(node.right)
    match node:
        case Both():
            return _decided(left, right, by=False)
        case Either():
            return _decided(left, right, by=True)
        case Joined():
            return lambda focus: ["".join(map(_single_text, (left(focus), right(focus))))]
        case Equal(_, _, negated):
            return _equal(left, right, negated)


def _function(node: Exists | Applied | Call | Choice) -> Evaluate:
    inner = _evaluate(node.of)
    match node:
        case Exists():
            return lambda focus: [bool(inner(focus))]
        case Call(_, "all", criterion) if criterion is not None:
            judge = _evaluate(criterion)
            return lambda focus: [all(judge(item) == [True] for item in inner(focus))]
        case Call(_, name, None):
            return _applied(inner, name, ())
        case Call(_, name, Literal(value)):
            return _applied(inner, name, (value,))
        case Call(_, name, _):
            raise UnsupportedExpression(f"{name}() is only understood with literals")
        case Applied(_, name, arguments):
            return _applied(inner, name, arguments)
        case Choice(_, criterion, then, otherwise):
            return _choice(inner, _evaluate(criterion), _evaluate(then), otherwise)


def _applied(inner: Evaluate, name: str, arguments: tuple[Value, ...]) -> Evaluate:
    if (fault := FUNCTIONS[name].fault(arguments)) is not None:
        raise UnsupportedExpression(f"{name}() {fault}")
    apply = FUNCTIONS[name].apply
    return lambda focus: apply(inner(focus), *arguments)


def _choice(inner: Evaluate, judge: Evaluate, then: Evaluate, otherwise: Node | None) -> Evaluate:
    other: Evaluate = _evaluate(otherwise) if otherwise is not None else lambda _: []

    def chosen(focus: Any) -> list[Any]:
        return [
            found for item in inner(focus) for found in (then(item) if truth(judge(item)) else other(item))
        ]

    return chosen


def _single_text(items: list[Any]) -> str:
    """What `&` takes an operand for: nothing is an empty text."""
    return (text_of(items[0]) or "") if len(items) == 1 else ""


def _path(steps: tuple[_Step, ...]) -> Evaluate:
    def walk(focus: Any) -> list[Any]:
        nodes = [focus]
        for step in steps:
            nodes = step(nodes)
            if not nodes:
                break
        return nodes

    return walk


def _steps(node: Node) -> list[_Step]:
    match node:
        case Focus() | Root():
            return []
        case Member():
            of, names = _names(node)
            return [*_steps(of), _members(*names)]
        case OfType(of, name, type):
            return [*_steps(of), _typed(name, type)]
        case Where(of, Equal(Member(Focus(), name), Literal(str(text)), False)) if name not in CHOICES:
            return [*_steps(of), _where_text(name, text)]
        case Where(of, criterion):
            return [*_steps(of), _where(_evaluate(criterion))]
        case Extension(Member(of, name), url):
            return [*_steps(of), _element(name), _extension(url)]
        case Extension(of, url):
            return [*_steps(of), _extension(url)]
        case Item(of, position):
            return [*_steps(of), lambda nodes: nodes[position : position + 1]]
        case _:
            inner = _evaluate(node)
            return [lambda nodes: [found for item in nodes for found in inner(item)]]


def _members(*names: str) -> _Step:
    """The elements at a path of names; a choice is found under its bare name, or any of its typed ones."""
    keys = tuple((name, tuple(name + type for type in CHOICES.get(name, ()))) for name in names)

    def step(nodes: list[Any]) -> list[Any]:
        for name, typed in keys:
            found: list[Any] = []
            for node in nodes:
                if isinstance(node, dict):
                    if (value := node.get(name)) is not None:
                        _add(found, value)
                    elif typed:
                        found += [node[key] for key in typed if key in node]
            nodes = found
            if not nodes:
                break
        return nodes

    return step


def _add(found: list[Any], value: Any) -> None:
    """An array counts as its items; null in an array of primitives is no item (R5 json.html#primitive)."""
    if not isinstance(value, list):
        found.append(value)
    elif None in value:
        found += [item for item in value if item is not None]
    else:
        found += value


def _typed(name: str, type: str) -> _Step:
    concrete, whole = _members(name + type[0].upper() + type[1:]), _members(name)

    def step(nodes: list[Any]) -> list[Any]:
        resources = [n for n in whole(nodes) if isinstance(n, dict) and n.get("resourceType") == type]
        return concrete(nodes) + resources

    return step


def _names(node: Node) -> tuple[Node, list[str]]:
    """The names that a path ends with, and what comes before them."""
    names: list[str] = []
    while isinstance(node, Member):
        names.insert(0, node.name)
        node = node.of
    return node, names


def _where_text(name: str, text: str) -> _Step:
    """`where(name = 'text')`, by far the most frequent criterion, without its closures."""
    wanted = (text, [text])
    return lambda nodes: [node for node in nodes if isinstance(node, dict) and node.get(name) in wanted]


def _where(criterion: Evaluate) -> _Step:
    return lambda nodes: [node for node in nodes if criterion(node) == [True]]


def _element(name: str) -> _Step:
    """Where extensions of an element stand: in it, or for a primitive in its `_name` sibling."""
    whole, sibling = _members(name), _members("_" + name)
    return lambda nodes: whole(nodes) + sibling(nodes)


def _extension(url: str) -> _Step:
    children = _members("extension")
    return lambda nodes: [e for e in children(nodes) if isinstance(e, dict) and e.get("url") == url]


def _equal(left: Evaluate, right: Evaluate, negated: bool) -> Evaluate:
    def compare(focus: Any) -> list[Any]:
        ours, theirs = left(focus), right(focus)
        if not ours or not theirs:
            return []
        # True == 1 in Python, but not in FHIRPath.
        same = ours == theirs and [*map(type, ours)] == [*map(type, theirs)]
        return [same is not negated]

    return compare


def _decided(left: Evaluate, right: Evaluate, *, by: bool) -> Evaluate:
    """FHIRPath's three-valued logic: `and` is decided by one false, `or` by one true, else by both."""

    def judge(focus: Any) -> list[Any]:
        ours, theirs = left(focus), right(focus)
        if ours == [by] or theirs == [by]:
            return [by]
        return [not by] if ours == theirs == [not by] else []

    return judge
