"""What in a resource points to another one, as a transaction has to rewrite it.

R5 http.html#trules: references, elements of type uri, url, oid and uuid, and what `<a href>` and
`<img src>` in the narrative name. A canonical names a definition, and is left.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.elements import ANY_RESOURCE, Element, children

REFERENCE: Final = "Reference"
NARRATIVE: Final = "xhtml"
URIS: Final = frozenset({"uri", "url", "oid", "uuid"})
_TAG: Final = re.compile(r"<(?:a|img)\s[^<>]*>")
_ATTRIBUTE: Final = re.compile(r"""(\s(?:href|src)\s*=\s*)("[^"]*"|'[^']*')""")
_SIBLING: Final = Element("", "Element", primitive=False)


@dataclass(frozen=True, slots=True)
class Link:
    """What is written at `path`; `type` is `Reference` for a Reference.reference, otherwise the
    primitive type, `xhtml` for an attribute in the narrative.
    """

    path: str
    type: str
    text: str


Point: TypeAlias = Callable[[Link], str]
"""What is to stand in the link's place: its own text, to leave it."""


def relinked(resource: Resource, point: Point) -> Resource:
    """The resource with each of its links as `point` would have it.

    >>> sent = {"resourceType": "Patient", "link": [{"other": {"reference": "urn:uuid:1"}}]}
    >>> relinked(sent, lambda link: link.path)["link"]
    [{'other': {'reference': 'Patient.link[0].other.reference'}}]
    """
    type = _type(resource)
    return _element(resource, type, type, point)


def _element(value: Json, type: str, path: str, point: Point) -> Json:
    known = _children(type)
    return {name: _child(item, name, known, type, f"{path}.{name}", point) for name, item in value.items()}


def _child(item: Any, name: str, known: Mapping[str, Element], owner: str, path: str, point: Point) -> Any:
    element = _SIBLING if name.startswith("_") else known.get(name)
    if element is None:
        return item
    if not element.primitive:
        return _each(item, path, lambda one, at: _complex(one, element.type, at, point))
    if owner == REFERENCE and name == "reference":
        return point(Link(path, REFERENCE, item)) if isinstance(item, str) else item
    if element.type in URIS:
        return _each(item, path, lambda one, at: _text(one, element.type, at, point))
    return _narrative(item, path, point) if element.type == NARRATIVE and isinstance(item, str) else item


def _each(item: Any, path: str, one: Callable[[Any, str], Any]) -> Any:
    if isinstance(item, list):
        return [one(each, f"{path}[{number}]") for number, each in enumerate(item)]
    return one(item, path)


def _complex(value: Any, type: str, path: str, point: Point) -> Any:
    if not isinstance(value, dict):
        return value
    return _element(value, _type(value) if type == ANY_RESOURCE else type, path, point)


def _text(value: Any, type: str, path: str, point: Point) -> Any:
    return point(Link(path, type, value)) if isinstance(value, str) else value


def _narrative(div: str, path: str, point: Point) -> str:
    def attribute(found: re.Match[str]) -> str:
        text = unescape(found[2][1:-1])
        pointed = point(Link(path, NARRATIVE, text))
        return found[0] if pointed == text else f'{found[1]}"{escape(pointed)}"'

    return _TAG.sub(lambda tag: _ATTRIBUTE.sub(attribute, tag[0]), div)


def _type(resource: Json) -> str:
    given = resource.get("resourceType")
    return given if isinstance(given, str) else ""


def _children(type: str) -> Mapping[str, Element]:
    """None for what is no type: validation refuses it later, with its place."""
    try:
        return children(type)
    except KeyError:
        return {}
