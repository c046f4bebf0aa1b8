"""What makes one resource of another, as a FHIRPath Patch (R5 fhirpatch.html)."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any, Final

from fhir_mpi.fhir.json import encode
from fhir_mpi.fhir.operation_definition import value_key
from fhir_mpi.fhir.tree import Item, elements_of, grown, written
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.elements import Element, children

ID: Final = frozenset({"id"})
ID_AND_META: Final = frozenset({"id", "meta"})
"""What is the server's own, which no patch changes."""


def difference(old: Resource, new: Resource, *, meta: bool = False) -> Resource:
    """The Parameters that makes `new` of `old`, two resources of one type, but for the id and, without
    `meta`, the meta. What is replaced is told too, as HAPI does.

    Lists are compared from both ends, and what is left between them place by place: one element that
    came or went is told as that.

    >>> found = difference({"resourceType": "Patient"}, {"resourceType": "Patient", "active": True})
    >>> [part["name"] for part in found["parameter"][0]["part"]]
    ['type', 'path', 'name', 'value']
    """
    type, left_out = old["resourceType"], ID if meta else ID_AND_META
    left, right = (
        grown(type, {name: v for name, v in one.items() if name not in left_out}) for one in (old, new)
    )
    steps = [{"name": "operation", "part": parts} for parts in _changes(left, right, type)]
    return {"resourceType": "Parameters", **({"parameter": steps} if steps else {})}


def _changes(old: Item, new: Item, path: str) -> Iterator[list[Json]]:
    """The operations below `path`: what goes does so last, since an element that is left empty is gone."""
    known = elements_of(old)
    here, there = _by_stem(old), _by_stem(new)
    for stem, name in there.items():
        below = f"{path}.{stem}"
        if stem not in here:
            for item in new.fields[name]:
                yield [_code("add"), _text("path", path), _text("name", stem), _value(known[name], item)]
        elif known[name].many:
            yield from _list_changes(known[name], old.fields[name], new.fields[name], below)
        else:
            one = old.fields[here[stem]][0], known[here[stem]]
            yield from _item_changes(*one, new.fields[name][0], known[name], below)
    for stem in here.keys() - there.keys():
        yield from _deletions(known[here[stem]], old.fields[here[stem]], f"{path}.{stem}", 0)


def _by_stem(item: Item) -> dict[str, str]:
    """The JSON names of what is below an item, by the name that a path has for it."""
    known = elements_of(item)
    return {known[name].choice or name: name for name in item.fields}


def _list_changes(element: Element, old: Sequence[Item], new: Sequence[Item], path: str) -> Iterator[Any]:
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    for number, (one, other) in enumerate(zip(before, after, strict=False), head):
        yield from _item_changes(one, element, other, element, f"{path}[{number}]")
    both = min(len(before), len(after))
    yield from _deletions(element, before[both:], path, head + both)
    for number, item in enumerate(after[both:], head + both):
        index = {"name": "index", "valueInteger": number}
        yield [_code("insert"), _text("path", path), index, _value(element, item)]


def _shared(one: Sequence[Item], other: Sequence[Item]) -> int:
    """How many items are the same from the beginning on."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: _content(pair[0]) == _content(pair[1]), pairs))


def _content(item: Item) -> bytes:
    return encode({"value": item.value, "below": written(item)})


def _item_changes(old: Item, before: Element, new: Item, after: Element, path: str) -> Iterator[list[Json]]:
    if before.name == after.name and old.type == new.type and old.value == new.value:
        yield from _changes(old, new, path)
    else:
        previous = _value(before, old) | {"name": "previousValue"}
        yield [_code("replace"), _text("path", path), previous, _value(after, new)]


def _deletions(element: Element, items: Sequence[Item], path: str, start: int) -> Iterator[list[Json]]:
    for number in reversed(range(start, start + len(items))):
        yield [_code("delete"), _text("path", f"{path}[{number}]" if element.many else path)]


def _value(element: Element, item: Item, name: str = "value") -> Json:
    """An item as a part of an operation; one of a type that no parameter can have is told part by part."""
    if item.primitive:
        key = value_key(element.type) if _is_value(element.type) else "valueString"
        below = written(item)
        return (
            {"name": name}
            | ({} if item.value is None else {key: item.value})
            | ({f"_{key}": below} if below else {})
        )
    if "resourceType" in (json := written(item)):
        return {"name": name, "resource": json}
    if _is_value(element.type):
        return {"name": name, value_key(element.type): json}
    known = elements_of(item)
    parts = [
        _value(known[key], below, known[key].choice or key)
        for key, items in item.fields.items()
        for below in items
    ]
    return {"name": name, "part": parts}


def _is_value(type: str) -> bool:
    return value_key(type) in children("ParametersParameter")


def _code(verb: str) -> Json:
    return {"name": "type", "valueCode": verb}


def _text(name: str, text: str) -> Json:
    return {"name": name, "valueString": text}
