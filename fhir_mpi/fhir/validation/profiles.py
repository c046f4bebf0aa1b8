"""The rules of our own profiles: extensions by url, resources by what meta.profile claims.

What a resource breaks carries the code `business-rule`. A profile that says more than is checked stops the
start with its name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.fhir.validation.contexts import Contexts, contexts
from fhir_mpi.fhir.validation.differential import CORE, Differential
from fhir_mpi.fhir.validation.rules import RULE, Broken, Shape, shape_breaks

_ABSTRACT: Final = frozenset({"Resource", "DomainResource"})


@dataclass(frozen=True, slots=True)
class ExtensionRule:
    """An extension: its shape, where it may stand, and whether it may change what its element means."""

    shape: Shape
    contexts: Contexts
    modifier: bool


@dataclass(frozen=True, slots=True)
class ResourceRule:
    """A profile of a resource type: its own shape after those of the profiles it derives from."""

    type: str
    version: str | None
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """Everything our profiles demand, compiled once."""

    extensions: Mapping[str, ExtensionRule] = field(default_factory=dict)
    resources: Mapping[str, ResourceRule] = field(default_factory=dict)

    def knows_modifier(self, url: object) -> bool:
        """Whether a modifier extension is one of ours."""
        rule = self.extensions.get(url) if isinstance(url, str) else None
        return rule is not None and rule.modifier

    def rule_of(self, extension: Json) -> ExtensionRule | None:
        """The rule of an extension, None for one that is not ours."""
        url = extension.get("url")
        return self.extensions.get(url) if isinstance(url, str) else None

    def profile(self, canonical: str) -> ResourceRule | None:
        """The rule of a profile, of ours or a resource type of R5; None where it is unknown.

        >>> ProfileRules().profile("http://hl7.org/fhir/StructureDefinition/Patient").type
        'Patient'
        """
        url, _, version = canonical.partition("|")
        rule = self.resources.get(url)
        if rule is not None:
            return rule if not version or rule.version in (None, version) else None
        name = url.removeprefix(CORE)
        known = url != name and name in RESOURCE_TYPES | _ABSTRACT
        return ResourceRule(name, None, ()) if known else None


def profile_breaks(resource: Resource, rule: ResourceRule) -> Iterator[Broken]:
    """What a resource breaks of a profile."""
    if rule.type not in _ABSTRACT and resource.get("resourceType") != rule.type:
        yield RULE, f"the profile is one of {rule.type}", ".meta.profile"
        return
    for shape in rule.shapes:
        yield from shape_breaks(resource, shape, "")


def claimed(resource: Resource) -> list[tuple[int, str]]:
    """The profiles in meta.profile, with their index."""
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    listed = profiles if isinstance(profiles, list) else []
    return [(index, url) for index, url in enumerate(listed) if isinstance(url, str)]


def compiled_rules(profiles: Iterable[Resource]) -> ProfileRules:
    """The rules of these StructureDefinitions. ValueError, with its url, for one that says too much."""
    ours = {profile["url"]: profile for profile in profiles}
    types = {url: profile["type"] for url, profile in ours.items()}
    extensions: dict[str, ExtensionRule] = {}
    shapes: dict[str, Shape] = {}
    for url, profile in ours.items():
        try:
            found = Differential(profile, types)
            shapes[url] = found.shape
            if profile["type"] == "Extension":
                modifier = bool(found.root.definition.get("isModifier"))
                where = contexts(profile.get("context", ()))
                extensions[url] = ExtensionRule(found.shape, where, modifier)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{url}: {error}") from error
    resources = {
        url: ResourceRule(profile["type"], profile.get("version"), _inherited(url, ours, shapes))
        for url, profile in ours.items()
        if url not in extensions
    }
    return ProfileRules(extensions, resources)


def _inherited(url: str, ours: Mapping[str, Resource], shapes: Mapping[str, Shape]) -> tuple[Shape, ...]:
    """The shapes of a profile and of all that it derives from, down to a type of R5."""
    chain: list[str] = []
    while url in ours:
        if url in chain:
            raise ValueError(f"{url}: the profile derives from itself")
        chain.append(url)
        url = ours[url].get("baseDefinition", CORE).partition("|")[0]
    if not url.startswith(CORE):
        raise ValueError(f"{chain[-1]}: the profile derives from {url}, which is not known")
    return tuple(shapes[one] for one in reversed(chain))
