"""The entry point: every problem of a resource at once."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from jsonschema_rs import Draft202012Validator

from fhir_mpi.fhir.outcome import Issue
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Resource
from fhir_mpi.fhir.validation import contained, schema
from fhir_mpi.fhir.validation.paths import Place, written
from fhir_mpi.fhir.validation.profiles import compiled_rules
from fhir_mpi.fhir.validation.walker import Walk

# Types met by the way (contained, Bundle entries): a client must not fill the memory.
KEPT_COMPILED: Final = 24

_compiled = lru_cache(maxsize=KEPT_COMPILED)(schema.compiled)


class Validator:
    """Validates R5 resources of any type; the given types are compiled now, others when first met.

    `profiles` are StructureDefinitions of our own. A profile that a resource claims and that is unknown
    is an issue of the severity `unknown`. ValueError where a profile says more than is supported,
    KeyError for a type that R5 does not have.
    """

    def __init__(
        self, types: Iterable[str], profiles: Iterable[Resource] = (), *, unknown: str = "warning"
    ) -> None:
        self._served = {name: schema.compiled(name) for name in types}
        self._rules = compiled_rules(profiles)
        self._unknown = unknown

    def knows(self, profile: str) -> bool:
        """Whether a resource can be held against this profile."""
        return self._rules.profile(profile) is not None

    def issues(self, resource: Resource, profile: str | None = None) -> list[Issue]:
        """Every problem of a resource, each with its FHIRPath; warnings among them; empty where it is valid.

        It is held against the profiles that it claims, and against `profile`, which must be known.

        Past 200 the rest is cut off, and the last issue says so; a resource of more than 5,000 values is
        given the first fault of its structure only.
        """
        found = self._resource(resource, _root(resource), profile=profile)
        if len(found) > schema.MAX_ISSUES:
            more = Issue("too-costly", "there are more problems than are listed")
            return [*found[: schema.MAX_ISSUES], more]
        return found

    def _resource(
        self, resource: Resource, place: Place, outer: Walk | None = None, profile: str | None = None
    ) -> list[Issue]:
        name = resource.get("resourceType")
        if not isinstance(name, str) or name not in RESOURCE_TYPES:
            text = "the resourceType is missing or unknown in R5"
            return [Issue("invalid", text, f"{written(place)}.resourceType")]
        found = schema.issues(self._validator(name), resource, written(place))
        if found and found[0].code == "too-costly":
            return found
        walk = Walk(
            self._rules,
            nested=lambda inner, at: found.extend(self._resource(inner, at)),
            root=place,
            type=name,
            unknown=self._unknown,
            contained=_contained_types(resource) if outer is None else outer.contained,
            inside=outer is not None,
            found=found,
        )
        walk.resource(resource)
        if profile is not None:
            walk.profile(resource, profile)
        if outer is None and "contained" in resource:
            found += self._contained(resource, place, walk)
        return found

    def _contained(self, resource: Resource, place: Place, walk: Walk) -> Iterator[Issue]:
        for text, at in contained.problems(resource):
            yield Issue("invariant", text, written(place) + at)
        for index, inner in contained.contained_in(resource):
            yield from self._resource(inner, ((place, "contained"), index), walk)

    def _validator(self, name: str) -> Draft202012Validator:
        return self._served.get(name) or _compiled(name)


def _contained_types(resource: Resource) -> dict[str, str]:
    if "contained" not in resource:
        return {}
    inners = contained.contained_in(resource)
    return {str(inner.get("id")): str(inner.get("resourceType")) for _, inner in inners}


def _root(resource: Resource) -> str:
    name = resource.get("resourceType")
    return name if isinstance(name, str) and name in RESOURCE_TYPES else "Resource"
