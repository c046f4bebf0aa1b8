"""Criteria on other resources: chains, and `_has` the other way (R5 search.html#chaining, #has).

    organization.name=x                        what refers to an organization with that name
    link:Patient.organization.name=x           the same over two references
    _has:Provenance:target:agent=x             what a Provenance by x is about
    _has:Provenance:target:agent.name=x        both

Each reference is a hop. A chain that names no type goes to every served type that its parameter may
refer to and that has the parameter asked for. Modifiers and values stand at the end and are about the
resource there: `organization.type:not=x` finds who has an organization that is not of type x.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from fhir_mpi.fhir.outcome import FhirError, TooCostly, UnsupportedParameter
from fhir_mpi.search.criteria import any_of, criterion
from fhir_mpi.search.filters import Filter, Referred, Refers
from fhir_mpi.search.parameter import SearchParameter
from fhir_mpi.search.term import SearchContext, short, unsupported

HAS: Final = "_has"
MOST_HOPS: Final = 50
"""References that one search may follow, all chains and their alternatives together."""


class Chains:
    """Reads the chains of one search; `parameters` are those of every served type."""

    def __init__(
        self, parameters: Mapping[str, Mapping[str, SearchParameter]], context: SearchContext, depth: int
    ) -> None:
        self._parameters, self._context, self._depth = parameters, context, depth
        self._hops = 0

    def reads(self, type: str, name: str) -> bool:
        """Whether `name` leads to other resources; a parameter whose own code has a dot doesn't."""
        code, _, modifier = name.partition(":")
        if code == HAS:
            return True
        return "." in name and (code not in self._parameters[type] or "." in modifier)

    def read(self, type: str, name: str, value: str) -> Filter | None:
        """The filter for resources of `type`; None where there is no value.

        UnsupportedParameter for a name that leads nowhere, TooCostly for too many hops, and what the
        criterion at the end is refused with; each names the whole chain.
        """
        try:
            return self._filter(type, name, value, self._depth)
        except FhirError as error:
            expression = f"http.{short(name)}"
            error.issues = tuple(replace(issue, expression=expression) for issue in error.issues)
            raise

    def _filter(self, type: str, name: str, value: str, depth: int) -> Filter | None:
        if self.reads(type, name):
            self._count_hop(depth)
            follow = self._referred if name.partition(":")[0] == HAS else self._refers
            return follow(type, name, value, depth - 1)
        code, colon, modifier = name.partition(":")
        if code not in self._parameters[type]:
            raise unsupported(code, f'{type} has no search parameter "{short(code)}"')
        return criterion(self._parameters[type][code], modifier if colon else None, value, self._context)

    def _count_hop(self, depth: int) -> None:
        self._hops += 1
        if depth < 1:
            raise TooCostly(f"this server follows at most {self._depth} references in a row")
        if self._hops > MOST_HOPS:
            raise TooCostly(f"this server follows at most {MOST_HOPS} references in one search")

    def _refers(self, type: str, name: str, value: str, depth: int) -> Filter | None:
        head, _, rest = name.partition(".")
        code, colon, only = head.partition(":")
        parameter = self._reference(type, code)
        if colon:
            self._check_target(parameter, only)
            return self._refers_to(code, only, self._filter(only, rest, value, depth))
        found, refusals = [], []
        for target in self._targets(parameter):
            try:
                found.append(self._refers_to(code, target, self._filter(target, rest, value, depth)))
            except UnsupportedParameter as refused:
                refusals.append(str(refused))
        if not found:
            raise unsupported(name, "; ".join(refusals) or self._nowhere(type, code))
        wanted = [filter for filter in found if filter is not None]
        return any_of(wanted) if wanted else None

    def _refers_to(self, code: str, type: str, filter: Filter | None) -> Filter | None:
        return None if filter is None else Refers(code, type, filter, self._written(type))

    def _referred(self, type: str, name: str, value: str, depth: int) -> Filter | None:
        _, *place = name.split(":", 3)
        if len(place) < 3 or not all(place):
            raise unsupported(name, "_has is written _has:[type]:[reference parameter]:[parameter]")
        other, code, rest = place
        if other not in self._parameters:
            raise unsupported(name, f'resource type "{short(other)}" is not served')
        self._check_target(self._reference(other, code), type)
        filter = self._filter(other, rest, value, depth)
        return None if filter is None else Referred(other, code, filter, self._written(type))

    def _reference(self, type: str, code: str) -> SearchParameter:
        parameter = self._parameters[type].get(code)
        if parameter is None:
            raise unsupported(code, f'{type} has no search parameter "{short(code)}"')
        if parameter.type.name != "reference":
            raise unsupported(code, f'search parameter "{code}" of {type} is no reference')
        return parameter

    def _targets(self, parameter: SearchParameter) -> Sequence[str]:
        """The served types that a parameter may refer to; one that says nothing may refer to any."""
        named = parameter.definition.get("target") or ["Resource"]
        return [type for type in self._parameters if type in named or "Resource" in named]

    def _check_target(self, parameter: SearchParameter, type: str) -> None:
        if type not in self._targets(parameter):
            targets = ", ".join(self._targets(parameter)) or "none"
            raise unsupported(
                parameter.code,
                f'search parameter "{parameter.code}" of {parameter.base} does not refer to "{short(type)}"; '
                f"the served types it refers to: {targets}",
            )

    def _nowhere(self, type: str, code: str) -> str:
        return f'search parameter "{code}" of {type} refers to no type that is served'

    def _written(self, type: str) -> tuple[str, str]:
        """What stands before the id in a reference to a resource of this server."""
        return f"{type}/", f"{self._context.base_url.rstrip('/')}/{type}/"
