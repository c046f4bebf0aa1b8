"""The differential of a StructureDefinition, compiled into rules.

No silent half: an element definition that says more than is checked (a FHIRPath constraint, a binding to a
value set that is not contained, an ordered slicing) raises ValueError with the element's id.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.elements import Element, children
from fhir_mpi.fhir.validation.rules import Codes, Count, ElementRule, Found, Shape, Slice
from fhir_mpi.fhir.validation.slicing import Node, by_url, extension_url, given, told_apart, type_codes

CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_SAID: Final = """
    id path short definition comment requirements alias example mapping base label code
    meaningWhenMissing mustSupport isModifier isModifierReason isSummary
    """
_SAID_ONLY: Final = frozenset(_SAID.split())
_CHECKED: Final = frozenset(("min", "max", "type", "sliceName", "slicing", "binding", "maxLength"))
_EXTENSIONS: Final = frozenset({"extension", "modifierExtension"})
_REFERENCES: Final = frozenset({"Reference", "CodeableReference"})


class Differential:
    """The rules of one profile; `types` gives the type of every other profile of ours by its url."""

    def __init__(self, profile: Resource, types: Mapping[str, str]) -> None:
        self._types = types
        self._value_sets = _value_sets(profile)
        self._is_extension = profile["type"] == "Extension"
        self.root = _tree(profile)
        self.shape = self._shape(self.root, profile["type"])

    def _shape(self, node: Node, type_name: str, *, whole: bool = True) -> Shape:
        """`whole` where nothing else speaks of the same element, as the slices of a list do."""
        rules = [self._rule(name, child, type_name) for name, child in node.children.items()]
        if whole and self._is_extension and type_name == "Extension" and "extension" not in node.children:
            rules.append(ElementRule("extension", ("extension",), stray=_unknown_part))
        return Shape(
            _exact(given(node, "fixed")),
            _exact(given(node, "pattern")),
            self._codes(node),
            node.definition.get("maxLength"),
            self._targets(node),
            tuple(rules),
        )

    def _rule(self, name: str, node: Node, owner: str) -> ElementRule:
        stem = name.removesuffix("[x]")
        elements = _elements(owner, name, node.id)
        codes = type_codes(node)
        allowed = frozenset(stem + code[0].upper() + code[1:] for code in codes if stem != name)
        if unknown := allowed - {element.name for element in elements}:
            raise ValueError(f"{node.id} allows {min(unknown)}, which R5 does not have")
        kinds = [element for element in elements if not allowed or element.name in allowed]
        slices = [self._slice(part, inner, node, stem, kinds) for part, inner in node.slices.items()]
        return ElementRule(
            name,
            tuple(element.name for element in elements),
            _count(node),
            self._shape(node, _only_type(node, kinds), whole=False),
            allowed,
            tuple(slices),
            self._stray(name, node, owner),
        )

    def _slice(self, name: str, node: Node, sliced: Node, stem: str, kinds: list[Element]) -> Slice:
        if stem in _EXTENSIONS:
            holds = by_url(extension_url(name, node))
        else:
            holds = told_apart(name, node, sliced, stem, self._codes)
        wanted = {stem + code[0].upper() + code[1:] for code in type_codes(node)}
        own = [element for element in kinds if element.name in wanted] or kinds
        return Slice(name, holds, _count(node), self._shape(node, _only_type(node, own)))

    def _stray(self, name: str, node: Node, owner: str) -> Any:
        slicing = node.definition.get("slicing", {})
        if slicing.get("ordered") or slicing.get("rules") == "openAtEnd":
            raise ValueError(f"{node.id} orders its slices, which is not supported")
        if slicing.get("rules") == "closed":
            return _not_allowed
        return _unknown_part if self._is_extension and (owner, name) == ("Extension", "extension") else None

    def _codes(self, node: Node) -> Codes:
        binding = node.definition.get("binding", {})
        if binding.get("strength") != "required":
            return frozenset()
        url = binding.get("valueSet")
        if url not in self._value_sets:
            raise ValueError(f"{node.id} requires a value set that the profile does not contain")
        return _enumerated(self._value_sets[url], node.id)

    def _targets(self, node: Node) -> frozenset[str]:
        urls = [
            url.partition("|")[0]
            for kind in node.definition.get("type", ())
            if kind["code"] in _REFERENCES
            for url in kind.get("targetProfile", ())
        ]
        found = frozenset(self._types.get(url) or url.removeprefix(CORE) for url in urls)
        if unknown := sorted(name for name in found if not name.isalpha()):
            raise ValueError(f"{node.id} refers to {unknown[0]}, which is not known")
        return frozenset() if "Resource" in found else found


def _tree(profile: Resource) -> Node:
    root = Node(profile["type"])
    for element in profile.get("differential", {}).get("element", ()):
        _check_understood(element)
        names = element["id"].split(".")
        if names[0] != root.id:
            raise ValueError(f"{element['id']} is not of {root.id}")
        node = root
        for number, step in enumerate(names[1:], 2):
            node = _below(node, step, ".".join(names[:number]))
        node.definition.update(element)
    return root


def _below(node: Node, step: str, id: str) -> Node:
    name, _, part = step.partition(":")
    if "/" in part:
        raise ValueError(f"{id} slices a slice, which is not supported")
    found = node.children.setdefault(name, Node(id.removesuffix(f":{part}") if part else id))
    return found.slices.setdefault(part, Node(id)) if part else found


def _check_understood(element: Json) -> None:
    if "id" not in element:
        raise ValueError(f"an element definition at {element.get('path')} has no id")
    known = _SAID_ONLY | _CHECKED
    for name in element:
        if name not in known and not name.startswith(("fixed", "pattern")):
            raise ValueError(f"{element['id']} says {name}, which is not supported")
    is_extension = element["id"].rpartition(".")[2].partition(":")[0] in _EXTENSIONS
    for kind in element.get("type", ()):
        if "profile" in kind and not is_extension:
            raise ValueError(f"{element['id']} demands a profile of a datatype, which is not supported")
    if "sliceName" in element and ":" not in element["id"].rpartition(".")[2]:
        raise ValueError(f"{element['id']} is a slice whose id does not name it")


def _elements(owner: str, name: str, id: str) -> list[Element]:
    known = children(owner)
    if name in known:
        return [known[name]]
    stem = name.removesuffix("[x]")
    found = [element for element in known.values() if stem != name and element.choice == stem]
    if not found:
        raise ValueError(f"{id} is no element of R5")
    return found


def _only_type(node: Node, kinds: list[Element]) -> str:
    """The type whose children a profile speaks of; it must be one, where it speaks of any."""
    types = {"Element" if kind.primitive else kind.type for kind in kinds}
    if (node.children or not types) and len(types) != 1:
        raise ValueError(f"{node.id} has children, but more than one type")
    return types.pop() if len(types) == 1 else "Element"


def _count(node: Node) -> Count:
    high = node.definition.get("max", "*")
    return Count(node.definition.get("min", 0), None if high == "*" else int(high))


def _exact(value: Any) -> Any:
    """A fixed value or pattern with its decimals as those of resources are read."""
    if isinstance(value, dict):
        return {name: _exact(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_exact(child) for child in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def _value_sets(profile: Resource) -> dict[str, Resource]:
    inner = profile.get("contained", ())
    return {f"#{one['id']}": one for one in inner if one["resourceType"] == "ValueSet"}


def _enumerated(value_set: Resource, id: str) -> Codes:
    compose = value_set.get("compose", {})
    includes = compose.get("include", ())
    if "exclude" in compose or not all("concept" in include for include in includes):
        raise ValueError(f"{id} requires a value set that does not list its codes")
    return frozenset(
        (include.get("system"), concept["code"]) for include in includes for concept in include["concept"]
    )


def _not_allowed(_: Found) -> str:
    return "the profile allows nothing here but its slices"


def _unknown_part(found: Found) -> str | None:
    url = found.children.get("url")
    return "the extension has no such part" if isinstance(url, str) and ":" not in url else None
