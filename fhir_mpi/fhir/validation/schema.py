"""JSON Schema of a type, generated from its element metadata, and what its errors mean in FHIR.

A schema says the structure: names, JSON types, cardinality, required codes. What it cannot say stands
in the walker. Resources inside resources (`contained`, Bundle entries) are objects to the schema: each
is validated with the schema of its own type.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, ValidationError

from fhir_mpi.fhir.outcome import Issue
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation.elements import ANY_RESOURCE, Element, children
from fhir_mpi.fhir.validation.paths import Place, expression, written
from fhir_mpi.fhir.validation.primitives import LANGUAGE, SCHEMAS

MAX_ITEMS: Final = 1_000  # of any list: no real record is longer
MAX_ENTRIES: Final = 10_000  # of a Bundle
MAX_ISSUES: Final = 200  # that anyone reads
MAX_CODES: Final = 20  # that a text lists
MAX_VALUES: Final = (
    5_000  # up to here an invalid resource gets all its errors, past it the first of its structure
)

_CODE_OF_KEYWORD: Final[Mapping[str, str]] = {
    "pattern": "value",
    "minimum": "value",
    "maximum": "value",
    "minLength": "value",
}
_TEXT_OF_KEYWORD: Final[Mapping[str, str]] = {
    "pattern": "the value does not have the form that its type demands",
    "minimum": "the number is too small for its type",
    "maximum": "the number is too large for its type",
    "minLength": "a string must not be empty",
    "minItems": "a list must not be empty",
    "minProperties": "an element must have a value or children",
}
_LANGUAGES: Final = frozenset({"language", "acceptLanguage"})
_WITH_LANGUAGE: Final = frozenset({"Attachment"})


def compiled(type_name: str) -> Draft202012Validator:
    """The validator of one resource type. KeyError where R5 has no such type."""
    return Draft202012Validator({"$ref": f"#/$defs/{type_name}", "$defs": definitions([type_name])})


def definitions(roots: Iterable[str]) -> dict[str, Json]:
    """The definition of each of these types and of every type they reach."""
    found: dict[str, Json] = {}
    waiting = [*roots, "Element"]
    while waiting:
        name = waiting.pop()
        if name in found or name == ANY_RESOURCE:
            continue
        found[name] = definition(name)
        waiting.extend(element.type for element in children(name).values() if not element.primitive)
    return found


def definition(type_name: str) -> Json:
    """The schema of one type; other types are references into `$defs`."""
    elements = children(type_name)
    properties: Json = {}
    for element in elements.values():
        properties[element.name] = _listed(element, _of(type_name, element))
        if element.primitive:
            properties[f"_{element.name}"] = _listed(element, {"$ref": "#/$defs/Element"}, sibling=True)
    if type_name in RESOURCE_TYPES:
        properties["resourceType"] = {"const": type_name}
    schema: Json = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": properties,
    }
    required = list(_required(elements))
    return schema | {"allOf": required} if required else schema


def _of(owner: str, element: Element) -> Json:
    if element.type == ANY_RESOURCE:
        return {"type": "object"}
    if not element.primitive:
        return {"$ref": f"#/$defs/{element.type}"}
    schema = dict(SCHEMAS[element.type])
    if element.codes is not None:
        return {"type": "string", "enum": sorted(element.codes)}
    if element.name in _LANGUAGES and (owner in RESOURCE_TYPES or owner in _WITH_LANGUAGE):
        return schema | {"pattern": LANGUAGE}
    return schema


def _listed(element: Element, item: Json, *, sibling: bool = False) -> Json:
    if not element.many:
        return item
    if sibling:
        item = {"anyOf": [{"type": "null"}, item]}
    elif element.primitive:  # null keeps the place of a value that only has extensions
        item = item | {"type": [item["type"], "null"]}
        if "enum" in item:
            item["enum"] = [*item["enum"], None]
    limit = MAX_ENTRIES if element.type == "BundleEntry" else MAX_ITEMS
    return {"type": "array", "minItems": 1, "maxItems": limit, "items": item}


def _required(elements: Mapping[str, Element]) -> Iterator[Json]:
    groups: dict[str, list[str]] = {}
    for element in elements.values():
        if element.required:
            names = groups.setdefault(element.choice or element.name, [])
            names.append(element.name)
            if element.primitive:
                names.append(f"_{element.name}")
    for names in groups.values():
        yield {"anyOf": [{"required": [name]} for name in names]}


def issues(validator: Draft202012Validator, resource: Json, root: str) -> list[Issue]:
    """Every structural problem of a resource; `root` is its FHIRPath, such as `Patient`.

    A list that is too long is the only issue: whatever grows with its length is not begun.
    """
    if validator.is_valid(resource):
        return []
    costly = too_long(resource, root)
    if costly is not None:
        return [costly]
    return [issue for error in _errors(validator, resource) for issue in _issues(error, root)]


def _errors(validator: Draft202012Validator, resource: Json) -> list[ValidationError]:
    """All errors; of a very large resource the first: each costs some 20 us, and they come all at once."""
    if _values(resource) <= MAX_VALUES:
        return list(validator.iter_errors(resource))
    try:
        validator.validate(resource)
    except ValidationError as first:
        return [first]
    return []


def _values(resource: Json) -> int:
    count = 0
    waiting: list[Any] = [resource]
    while waiting:
        value = waiting.pop()
        count += len(value)
        inner = value.values() if isinstance(value, dict) else value
        waiting.extend(child for child in inner if isinstance(child, dict | list))
    return count


def too_long(resource: Json, root: str) -> Issue | None:
    """The issue of the first list that is longer than allowed, None where there is none."""
    level: list[tuple[Any, Place]] = [(resource, root)]
    while level:
        inner: list[tuple[Any, Place]] = []
        for value, at in level:
            limit = (
                MAX_ENTRIES
                if resource.get("resourceType") == "Bundle" and at == (root, "entry")
                else MAX_ITEMS
            )
            if isinstance(value, list) and len(value) > limit:
                return Issue("too-costly", f"a list has more than {limit} items", written(at))
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            inner += [(child, (at, name)) for name, child in pairs if isinstance(child, dict | list)]
        level = inner
    return None


def _issues(error: ValidationError, root: str) -> Iterator[Issue]:
    keyword, place = error.kind.name, expression(root, error.instance_path)
    if keyword == "additionalProperties":
        for name in error.kind.as_dict()["unexpected"]:
            yield Issue("structure", "the element is unknown here", f"{place}.{_shown(name)}")
    elif keyword == "anyOf":
        yield from _missing_or_nested(error, root)
    elif keyword in ("type", "const"):
        yield Issue("structure", f"the JSON type must be {_types(error)}", place)
    elif keyword == "enum":
        yield Issue("code-invalid", _allowed(error.kind.as_dict()["options"]), place)
    else:
        text = _TEXT_OF_KEYWORD.get(keyword, "the structure is not allowed here")
        yield Issue(_CODE_OF_KEYWORD.get(keyword, "structure"), text, place)


def _allowed(codes: list[str | None]) -> str:
    """What to say of a code that isn't one of these; null is among those of a list."""
    known = [code for code in codes if code is not None]
    if len(known) > MAX_CODES:
        return "the code is not in the required value set"
    return f"the code must be one of {', '.join(known)}"


def _missing_or_nested(error: ValidationError, root: str) -> Iterator[Issue]:
    branches = error.kind.as_dict()["context"]
    first = branches[0][0]
    if first.kind.name != "required":  # null or an Element: what is wrong with the Element
        for nested in branches[1]:
            yield from _issues(nested, root)
        return
    names = {branch[0].kind.as_dict()["property"].removeprefix("_") for branch in branches}
    name = names.pop() if len(names) == 1 else f"{_stem(names)}[x]"
    place = expression(root, error.instance_path)
    yield Issue("structure", f"the element {name} is required", f"{place}.{name}")


def _stem(names: Collection[str]) -> str:
    """The stem of a choice: what its names share, up to where each goes on with a type.

    >>> _stem({"valueRange", "valueRatio", "valueInteger", "valueInteger64"})
    'value'
    """
    first = min(names)
    lengths = (length for length in range(len(first), 0, -1) if first[length : length + 1].isupper())
    shared = (first[:n] for n in lengths if all(_goes_on(name, first[:n]) for name in names))
    return next(shared, first)


def _goes_on(name: str, stem: str) -> bool:
    return name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()


def _types(error: ValidationError) -> str:
    described = error.kind.as_dict()
    return " or ".join(described["types"]) if "types" in described else "the resource type"


def _shown(name: str) -> str:
    """A client's key in an expression: only what could be an element name is repeated."""
    plain = name.removeprefix("_")
    return name if plain.isascii() and plain.isalnum() and len(name) <= 64 else "`?`"
