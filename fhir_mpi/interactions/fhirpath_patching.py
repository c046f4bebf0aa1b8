"""FHIRPath Patch: a Parameters of add, insert, delete, replace and move (R5 fhirpatch.html)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fhir_mpi.fhir.fhirpath import UnsupportedExpression
from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.locating import Place, locate, locate_absent
from fhir_mpi.fhir.outcome import MalformedBody, Unprocessable
from fhir_mpi.fhir.tree import Item, elements_of, grown, planted, written
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.elements import ANY_RESOURCE, Element
from fhir_mpi.fhir.validation.values import value_issues
from fhir_mpi.interactions.patching import Change, merge_patch

MOST: Final = 1_000
"""Operations of one patch: each looks for its path in the whole resource."""
DEEPEST: Final = 16
"""Parts in parts of a value."""
INVARIANT: Final = "invariant"
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: its parts by name, and where it stands in the Parameters."""

    parts: Mapping[str, Json]
    where: str

    def text(self, name: str) -> str:
        part = self.parts.get(name, {})
        found = part.get("valueString", part.get("valueCode"))
        if not isinstance(found, str):
            raise MalformedBody(f"the operation has a {name}", expression=self.where)
        return found

    def number(self, name: str) -> int:
        found = self.parts.get(name, {}).get("valueInteger")
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise MalformedBody(f"the operation has a {name}, from 0", expression=self.where)
        return found

    def refused(self, text: str) -> Unprocessable:
        return Unprocessable(text, expression=self.where)


def fhirpath_patch(body: bytes) -> Change:
    """The change that a FHIRPath Patch makes. MalformedBody where it is none."""
    return _change_of(decode(body))


def partial_or_fhirpath(body: bytes) -> Change:
    """`application/json` says not which patch it is: a Parameters, or a partial resource."""
    found = decode(body)
    return _change_of(found) if found.get("resourceType") == "Parameters" else merge_patch(body)


def _change_of(parameters: Json) -> Change:
    steps = _steps(parameters)
    verbs = [(_verb(step), step) for step in steps]

    def change(resource: Resource) -> Resource:
        kept = _kept(resource)
        tree = grown(resource["resourceType"], resource)
        for verb, step in verbs:
            verb(step, tree)
        patched = decode(encode(written(tree)))
        if _kept(patched) != kept:
            raise Unprocessable(
                "a patch can't change what the server keeps: id and meta", expression="Parameters"
            )
        return patched

    return change


def _kept(resource: Resource) -> tuple[Any, ...]:
    meta = resource.get("meta", {})
    return resource.get("id"), meta.get("versionId"), meta.get("lastUpdated")


def _steps(parameters: Json) -> list[Step]:
    if parameters.get("resourceType") != "Parameters":
        raise MalformedBody("a FHIRPath Patch is a Parameters", expression="Parameters")
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list) or len(listed) > MOST:
        raise MalformedBody(
            f"a patch is a list of at most {MOST} operations", expression="Parameters.parameter"
        )
    return [_step(one, f"Parameters.parameter[{n}]") for n, one in enumerate(listed)]


def _step(parameter: Any, where: str) -> Step:
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise MalformedBody("a parameter of a patch is an operation", expression=where)
    parts = _parts(parameter, where)
    named = {part["name"]: part for part in parts}
    if len(named) < len(parts):
        raise MalformedBody("a part of an operation stands there twice", expression=where)
    return Step(named, where)


def _parts(parameter: Json, where: str) -> list[Json]:
    parts = parameter.get("part")
    if not isinstance(parts, list) or not all(
        isinstance(p, dict) and isinstance(p.get("name"), str) for p in parts
    ):
        raise MalformedBody("a part has a name", expression=where)
    return parts


def _verb(step: Step) -> Callable[[Step, Item], None]:
    verb = VERBS.get(step.text("type"))
    if verb is None:
        raise MalformedBody(f"an operation is one of {', '.join(VERBS)}", expression=step.where)
    return verb


def _located(step: Step, tree: Item) -> list[Place]:
    return _found(step, locate, tree)


def _found(step: Step, find: Callable[[str, Item], list[Found]], tree: Item) -> list[Found]:
    try:
        return find(step.text("path"), tree)
    except UnsupportedExpression as error:
        raise step.refused("the path is not understood") from error


def _single(step: Step, tree: Item) -> Place:
    places = _located(step, tree)
    if len(places) != 1:
        raise step.refused("the path finds nothing" if not places else "the path finds several elements")
    return places[0]


def _list_of(step: Step, tree: Item) -> tuple[Item, str]:
    """The parent and the name of the one list that the path names; an element that repeats."""
    places = _located(step, tree)
    return _one_list(step, [(place.parent, place.name) for place in places])


def _one_list(step: Step, named: Sequence[tuple[Item | None, str]]) -> tuple[Item, str]:
    if len({(id(parent), name) for parent, name in named}) > 1:
        raise step.refused("the path finds several lists")
    for parent, name in named:
        if parent is not None and elements_of(parent)[name].many:
            return parent, name
    raise step.refused("the path finds no list")


def _add(step: Step, tree: Item) -> None:
    parent = _single(step, tree).item
    name = step.text("name")
    element, item = _built(step, parent, name, step.parts.get("value"))
    known = elements_of(parent)
    there = [key for key in parent.fields if name in (key, known[key].choice) or key == element.name]
    if there and not element.many:
        raise step.refused("the element is there already and does not repeat")
    parent.fields.setdefault(element.name, []).append(item)


def _insert(step: Step, tree: Item) -> None:
    """Into a list, also one that has nothing yet."""
    places = _located(step, tree)
    absent = [] if places else _found(step, locate_absent, tree)
    parent, name = _one_list(step, absent or [(place.parent, place.name) for place in places])
    items, index = parent.fields.get(name, []), step.number("index")
    if index > len(items):
        raise step.refused("the index is past the end of the list")
    _, item = _built(step, parent, name, step.parts.get("value"))
    parent.fields[name] = [*items[:index], item, *items[index:]]


def _delete(step: Step, tree: Item) -> None:
    places = _located(step, tree)
    if len(places) > 1:
        raise step.refused("the path finds several elements")
    for place in places:
        _take(step, place)
    _pruned(tree)


def _take(step: Step, place: Place) -> int:
    """Takes the item out of its list and says where it stood."""
    if place.parent is None:
        raise step.refused("a patch can't change the resource as a whole")
    items = place.parent.fields[place.name]
    index = items.index(place.item)
    del items[index]
    if not items:
        del place.parent.fields[place.name]
    return index


def _pruned(item: Item) -> bool:
    """Whether something is left of an item, without what is empty below it."""
    for name, items in [*item.fields.items()]:
        items[:] = [one for one in items if _pruned(one)]
        if not items:
            del item.fields[name]
    return item.value is not None or bool(item.fields)


def _replace(step: Step, tree: Item) -> None:
    place = _single(step, tree)
    if place.parent is None:
        raise step.refused("a patch can't change the resource as a whole")
    stem = elements_of(place.parent)[place.name].choice or place.name
    element, item = _built(step, place.parent, stem, step.parts.get("value"))
    index = _take(step, place)
    place.parent.fields.setdefault(element.name, []).insert(index, item)


def _move(step: Step, tree: Item) -> None:
    parent, name = _list_of(step, tree)
    items = parent.fields[name]
    source, destination = step.number("source"), step.number("destination")
    if max(source, destination) >= len(items):
        raise step.refused("source or destination is past the end of the list")
    items.insert(destination, items.pop(source))


def _built(step: Step, parent: Item, name: str, part: Json | None) -> tuple[Element, Item]:
    """The item that a part stands for, as the element `name` of `parent`."""
    element, value, sibling = _value(step, elements_of(parent), name, part or {}, 0)
    _check(step, element, value, sibling)
    try:
        return element, planted(element, value, sibling)
    except (KeyError, TypeError, AttributeError) as error:
        raise step.refused("the value is none of the element's type") from error


def _check(step: Step, element: Element, value: Any, sibling: Json | None) -> None:
    """Refuses what is none of the element's type. Rules between elements are for the patched whole."""
    given = [("Element", sibling), (element.type, value)]
    for type, json in given:
        if json is None or type == ANY_RESOURCE:
            continue
        for issue in value_issues(type, json, step.where):
            if issue.code != INVARIANT:
                raise step.refused(issue.text)


def _value(
    step: Step, known: Mapping[str, Element], name: str, part: Json, depth: int
) -> tuple[Element, Any, Json | None]:
    key = next((k for k in part if k.removeprefix("_").startswith("value") or k in ("part", "resource")), "")
    type = key.removeprefix("_").removeprefix("value")
    element = known.get(name) or known.get(f"{name}{type}")
    if element is None or not key or depth > DEEPEST:
        raise step.refused("the operation has a name and a value that the element's parent allows")
    if key == "part":
        if element.primitive or element.type == ANY_RESOURCE:
            raise step.refused("only an element with children is built from parts")
        return element, _anonymous(step, element, part, depth), None
    if key == "resource":
        return element, part[key], None
    return element, part.get(f"value{type}"), part.get(f"_value{type}")


def _anonymous(step: Step, owner: Element, part: Json, depth: int) -> Json:
    """An element of a type without a name of its own, built part by part."""
    known = elements_of(Item(owner.type, primitive=False))
    item = Item(owner.type, primitive=False)
    for below in _parts(part, step.where):
        element, value, sibling = _value(step, known, below["name"], below, depth + 1)
        _check(step, element, value, sibling)
        if not element.many and element.name in item.fields:
            raise step.refused("an element that does not repeat is given twice")
        item.fields.setdefault(element.name, []).append(planted(element, value, sibling))
    return written(item)


VERBS: Final[Mapping[str, Callable[[Step, Item], None]]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
