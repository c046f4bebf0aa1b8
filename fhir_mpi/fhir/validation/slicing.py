"""How the slices of a list are told apart (R5 profiling.html#discriminator), compiled once.

By value, pattern, existence and type, at `$this` or at a path of element names. Profile and position, and
paths with functions, are not read: a profile that needs them stops the start.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.rules import Codes, Found, is_coded, matches

Tells = Callable[[Found], bool]
_THIS: Final = "$this"


@dataclass(frozen=True, slots=True)
class Node:
    """An element of a differential and those below it; `definition` is empty where it has none."""

    id: str
    definition: Json = field(default_factory=dict)
    children: dict[str, "Node"] = field(default_factory=dict)
    slices: dict[str, "Node"] = field(default_factory=dict)


def given(node: Node, prefix: str) -> Any:
    """The value of fixed[x] or pattern[x], None where the element has none."""
    return next((value for name, value in node.definition.items() if name.startswith(prefix)), None)


def type_codes(node: Node) -> list[str]:
    return [kind["code"] for kind in node.definition.get("type", ())]


def extension_url(name: str, node: Node) -> str:
    """The url of an extension slice: by its profile, by its own url, or by its name where it is a part."""
    kinds = [url for kind in node.definition.get("type", ()) for url in kind.get("profile", ())]
    fixed = given(node.children["url"], "fixed") if "url" in node.children else None
    return str(fixed or (kinds[0].partition("|")[0] if kinds else name))


def by_url(url: str) -> Tells:
    return lambda found: found.children.get("url") == url


def told_apart(name: str, node: Node, sliced: Node, stem: str, codes_of: Callable[[Node], Codes]) -> Tells:
    """The test for one slice. ValueError where it can't be told apart by what is read here.

    `stem` is the name of the sliced element without `[x]`, `codes_of` gives the codes that a node requires.
    """
    discriminators = sliced.definition.get("slicing", {}).get("discriminator", ())
    if not discriminators and sliced.id.endswith("[x]"):
        discriminators = [{"type": "type", "path": _THIS}]
    if not discriminators:
        raise ValueError(f"{node.id} is a slice that no discriminator tells apart")
    tests = [_test(found, node, stem, codes_of) for found in discriminators]
    return lambda found: all(test(found) for test in tests)


def _test(discriminator: Json, node: Node, stem: str, codes_of: Callable[[Node], Codes]) -> Tells:
    kind, path = discriminator["type"], discriminator["path"]
    steps = [] if path == _THIS else path.split(".")
    if not all(step.isalnum() for step in steps):
        raise ValueError(f"{node.id} is told apart by {path}, which is not supported")
    if kind in ("value", "pattern"):
        return _by_value(node, steps, codes_of)
    if kind == "exists" and steps:
        return _by_existence(node, steps)
    if kind == "type" and not steps and node.definition.get("type"):
        return _by_type(frozenset(type_codes(node)), stem)
    raise ValueError(f"{node.id} is told apart by {kind} at {path}, which is not supported")


def _by_value(node: Node, steps: list[str], codes_of: Callable[[Node], Codes]) -> Tells:
    at, rest = _descend(node, steps)
    fixed, pattern, codes = given(at, "fixed"), given(at, "pattern"), frozenset[tuple[str | None, str]]()
    demanded = fixed if fixed is not None else pattern
    for step in rest:
        demanded = demanded.get(step) if isinstance(demanded, dict) else _of_only(demanded, step)
    if demanded is None and not rest:
        codes = codes_of(at)
    if demanded is None and not codes:
        raise ValueError(f"{node.id} gives no value at {'.'.join(steps) or _THIS} to tell it apart by")

    def holds(found: Found) -> bool:
        values = _reached(found.value, steps)
        if codes:
            return any(is_coded(value, codes) for value in values)
        return any(matches(value, demanded) for value in values)

    return holds


def _of_only(demanded: Any, step: str) -> Any:
    """The part of a pattern behind a list of one, such as `coding.code`."""
    if isinstance(demanded, list) and len(demanded) == 1 and isinstance(demanded[0], dict):
        return demanded[0].get(step)
    return None


def _by_existence(node: Node, steps: list[str]) -> Tells:
    at, rest = _descend(node, steps)
    if rest or not (at.definition.get("max") == "0" or at.definition.get("min", 0) > 0):
        raise ValueError(f"{node.id} does not say whether {'.'.join(steps)} exists")
    absent = at.definition.get("max") == "0"
    return lambda found: bool(_reached(found.value, steps)) != absent


def _by_type(codes: frozenset[str], stem: str) -> Tells:
    names = {stem + code[0].upper() + code[1:] for code in codes}

    def holds(found: Found) -> bool:
        return found.name in names or found.children.get("resourceType") in codes

    return holds


def _descend(node: Node, steps: list[str]) -> tuple[Node, list[str]]:
    """The deepest node along the steps, and the steps that are left."""
    for number, step in enumerate(steps):
        inner = node.children.get(step) or node.children.get(f"{step}[x]")
        if inner is None:
            return node, steps[number:]
        node = inner
    return node, []


def _reached(value: Any, steps: list[str]) -> list[Any]:
    """What stands at the end of these steps; a step leads through lists and to every type of a choice."""
    values = [value]
    for step in steps:
        values = [inner for one in values for inner in _children(one, step)]
    return [value for value in values if value is not None]


def _children(value: Any, step: str) -> Iterator[Any]:
    for name, child in value.items() if isinstance(value, dict) else ():
        if name == step or (name.startswith(step) and name[len(step) :][:1].isupper()):
            yield from child if isinstance(child, list) else [child]
