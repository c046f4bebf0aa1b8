"""The rules of our own profiles: extensions by url, resources by what meta.profile claims.

A small part of profiling, and no silent half: an element definition that says more than is checked here
(a slicing other than of extensions, a required binding, a FHIRPath constraint) stops the start with the
name of the profile. What a resource breaks carries the code `business-rule`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.paths import Place, element_path, expression

Broken: TypeAlias = tuple[str, str, str]  # issue code, text, FHIRPath after the element
RULE: Final = "business-rule"

_SAID_ONLY: Final = frozenset(
    ("id", "path", "short", "definition", "comment", "requirements", "alias", "example", "mapping", "base")
)
_CHECKED: Final = frozenset(("min", "max", "type", "sliceName", "slicing"))
_FLAGS: Final = frozenset(("mustSupport", "isModifier", "isModifierReason", "isSummary"))
_ANYWHERE: Final = frozenset(("Element", "Resource", "DomainResource"))


@dataclass(frozen=True, slots=True)
class Count:
    """Between `low` and `high` times; `high` None is without limit."""

    low: int = 0
    high: int | None = None

    def broken(self, times: int) -> str | None:
        """What is wrong with so many, None where nothing is.

        >>> Count(1, 1).broken(0)
        'at least 1 is required'
        """
        if times < self.low:
            return f"at least {self.low} is required"
        if self.high is not None and times > self.high:
            return f"at most {self.high} is allowed"
        return None


@dataclass(frozen=True, slots=True)
class ExtensionRule:
    """An extension: the JSON names its value may have (empty for any), and its parts by their url."""

    value: Count = Count(0, 1)
    value_names: frozenset[str] = frozenset()
    parts: Mapping[str, tuple[Count, "ExtensionRule"]] = field(default_factory=dict)
    contexts: frozenset[str] = frozenset()
    modifier: bool = False


@dataclass(frozen=True, slots=True)
class ElementRule:
    """One element of a profile: how often, and which value, or part of a value, it must have."""

    steps: tuple[str, ...]
    count: Count
    extension_url: str | None = None
    fixed: Any = None
    pattern: Any = None


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """Everything our profiles demand, compiled once."""

    extensions: Mapping[str, ExtensionRule] = field(default_factory=dict)
    resources: Mapping[str, tuple[str, tuple[ElementRule, ...]]] = field(default_factory=dict)

    def knows_modifier(self, url: object) -> bool:
        """Whether a modifier extension is one of ours."""
        rule = self.extensions.get(url) if isinstance(url, str) else None
        return rule is not None and rule.modifier

    def broken_extension(self, extension: Json, place: Place) -> Iterator[Broken]:
        """What an extension breaks of its definition; one that is not ours breaks nothing."""
        url = extension.get("url")
        rule = self.extensions.get(url) if isinstance(url, str) else None
        if rule is None:
            return
        if rule.contexts and not _in_context(place, rule.contexts):
            yield RULE, "the extension is not allowed on this element", ""
        yield from _extension_breaks(extension, rule, "")

    def broken(self, resource: Resource) -> Iterator[Broken]:
        """What a resource breaks of the profiles it claims and we know."""
        if not self.resources:
            return
        for url in _claimed(resource):
            type_name, rules = self.resources.get(url, ("", ()))
            if type_name and resource.get("resourceType") != type_name:
                yield RULE, f"the profile is one of {type_name}", ".meta.profile"
                continue
            for rule in rules:
                yield from _element_breaks(resource, rule)


def compiled_rules(profiles: Iterable[Resource]) -> ProfileRules:
    """The rules of these StructureDefinitions. ValueError, with its name, for one that says too much."""
    extensions: dict[str, ExtensionRule] = {}
    resources: dict[str, tuple[str, tuple[ElementRule, ...]]] = {}
    for profile in profiles:
        elements = {element["id"]: element for element in profile["differential"]["element"]}
        for element in elements.values():
            _check_understood(profile["url"], element)
        if profile["type"] == "Extension":
            extensions[profile["url"]] = _extension_rule(elements, "Extension", profile)
        else:
            rules = tuple(_element_rule(element) for element in elements.values() if "." in element["path"])
            resources[profile["url"]] = (profile["type"], rules)
    return ProfileRules(extensions, resources)


def _check_understood(url: str, element: Json) -> None:
    known = _SAID_ONLY | _CHECKED | _FLAGS
    for name, value in element.items():
        weak_binding = name == "binding" and value.get("strength") != "required"
        if name not in known and not weak_binding and not name.startswith(("fixed", "pattern")):
            raise ValueError(f"{url}: {element['id']} says {name}, which is not supported")
    sliced = "sliceName" in element or "slicing" in element
    if sliced and not element["path"].endswith(("extension", "modifierExtension")):
        raise ValueError(f"{url}: {element['id']} slices, which is supported for extensions only")


def _extension_rule(elements: Mapping[str, Json], prefix: str, profile: Json | None = None) -> ExtensionRule:
    value = elements.get(f"{prefix}.value[x]", {})
    start = f"{prefix}.extension:"
    names = [key.removeprefix(start) for key in elements if key.startswith(start)]
    parts = {
        elements.get(f"{start}{name}.url", {}).get("fixedUri", name): (
            _count(elements[start + name]),
            _extension_rule(elements, start + name),
        )
        for name in names
        if "." not in name
    }
    contexts = (profile or {}).get("context", ())
    return ExtensionRule(
        Count(value.get("min", 0), None if value.get("max") != "0" else 0),
        frozenset(f"value{kind['code'][0].upper()}{kind['code'][1:]}" for kind in value.get("type", ())),
        parts,
        frozenset(context["expression"] for context in contexts if context["type"] == "element"),
        modifier=bool(elements.get(prefix, {}).get("isModifier")),
    )


def _count(element: Json) -> Count:
    high = element.get("max", "*")
    return Count(element.get("min", 0), None if high == "*" else int(high))


def _element_rule(element: Json) -> ElementRule:
    steps = tuple(element["path"].split(".")[1:])
    url = None
    if "sliceName" in element:
        url = element["type"][0]["profile"][0]
    fixed = next((value for name, value in element.items() if name.startswith("fixed")), None)
    pattern = next((value for name, value in element.items() if name.startswith("pattern")), None)
    return ElementRule(steps, _count(element), url, fixed, pattern)


def _in_context(place: Place, contexts: frozenset[str]) -> bool:
    path = element_path(place).removesuffix(".modifierExtension").removesuffix(".extension")
    return path in contexts or not contexts.isdisjoint(_ANYWHERE)


def _extension_breaks(extension: Json, rule: ExtensionRule, path: str) -> Iterator[Broken]:
    values = {name.removeprefix("_") for name in extension if name.startswith(("value", "_value"))}
    wrong = rule.value.broken(len(values))
    if wrong:
        yield RULE, f"of the value {wrong}", f"{path}.value[x]"
    elif rule.value_names and not values <= rule.value_names:
        yield RULE, "the value has a type that the extension does not allow", f"{path}.value[x]"
    listed = extension.get("extension")
    inner = [(i, part) for i, part in enumerate(listed if isinstance(listed, list) else []) if _has_url(part)]
    for url, (count, part_rule) in rule.parts.items():
        same = [(index, part) for index, part in inner if part["url"] == url]
        wrong = count.broken(len(same))
        if wrong:
            yield RULE, f"of the extension {url} {wrong}", f"{path}.extension"
        for index, part in same:
            yield from _extension_breaks(part, part_rule, f"{path}.extension[{index}]")
    for index, part in inner:
        if ":" not in part["url"] and part["url"] not in rule.parts:
            yield RULE, "the extension has no such part", f"{path}.extension[{index}]"


def _has_url(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("url"), str)


def _claimed(resource: Resource) -> list[str]:
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    listed = profiles if isinstance(profiles, list) else []
    return [url.partition("|")[0] for url in listed if isinstance(url, str)]


def _element_breaks(resource: Resource, rule: ElementRule) -> Iterator[Broken]:
    for path, parent in _elements(resource, rule.steps[:-1], ""):
        if isinstance(parent, dict):
            yield from _child_breaks(parent, rule, path)


def _child_breaks(parent: Json, rule: ElementRule, path: str) -> Iterator[Broken]:
    name = rule.steps[-1]
    found = list(_elements(parent, (name,), path))
    if rule.extension_url is not None:
        found = [(at, value) for at, value in found if _has_url(value) and value["url"] == rule.extension_url]
    wrong = rule.count.broken(len(found))
    if wrong:
        yield RULE, f"of the element {name} {wrong} by the profile", f"{path}.{name}"
    for at, value in found:
        if rule.fixed is not None and value != rule.fixed:
            yield RULE, "the profile fixes another value", at
        if rule.pattern is not None and not _matches(value, rule.pattern):
            yield RULE, "the value does not match the pattern of the profile", at


def _elements(value: Any, steps: tuple[str, ...], path: str) -> Iterator[tuple[str, Any]]:
    """The elements that these steps lead to, `value[x]` to any of its types, with their places."""
    if not steps:
        yield path, value
        return
    for name, child in value.items() if isinstance(value, dict) else ():
        stem = steps[0].removesuffix("[x]")
        if name == steps[0] or (
            stem != steps[0] and name.startswith(stem) and name[len(stem) :][:1].isupper()
        ):
            for index, item in enumerate(child if isinstance(child, list) else [child]):
                at = expression(path, [name, index] if isinstance(child, list) else [name])
                yield from _elements(item, steps[1:], at)


def _matches(value: Any, pattern: Any) -> bool:
    """FHIR's pattern: everything in the pattern is in the value, lists in any order."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            _matches(value.get(key), part) for key, part in pattern.items()
        )
    if isinstance(pattern, list):
        listed = value if isinstance(value, list) else []
        return all(any(_matches(item, part) for item in listed) for part in pattern)
    return bool(value == pattern)
