"""_include and _revinclude: what comes along with the matches (R5 search.html#include). Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.fhir.references import local_reference
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.filters import Equals, Filter, Or
from fhir_mpi.search.parameter import SearchParameter
from fhir_mpi.search.term import short, unsupported

INCLUDES: Final = frozenset({"_include", "_revinclude"})
ITERATING: Final = frozenset({"iterate", "recurse"})
"""The modifier, and what it was called in STU3."""
WILDCARD: Final = "*"

Place = tuple[str, str]
"""Type and id of a resource."""


@dataclass(frozen=True, slots=True)
class Include:
    """Follows the references under a search parameter: of resources of type `source` to what they refer
    to, or, `reverse`, from what is referred to back to them.

    None stands for every type or every reference parameter; `target` limits what is referred to. With
    `iterate` it is also applied to what came along.
    """

    source: str | None
    code: str | None
    target: str | None
    reverse: bool
    iterate: bool


def include(name: str, value: str, parameters: Mapping[str, Mapping[str, SearchParameter]]) -> Include:
    """Reads `_include=Type:code:Target`, `Type:*` or `*`. UnsupportedParameter or InvalidValue where it
    names what isn't there.
    """
    base, _, modifier = name.partition(":")
    if modifier and modifier not in ITERATING:
        raise unsupported(name, f'"{base}" has no modifier but :iterate')
    source, code, target = _parts(base, value)
    if source is not None and source not in parameters:
        raise unsupported(base, f'"{short(source)}" is no resource type of this server')
    if target is not None and target not in RESOURCE_TYPES:
        raise InvalidValue(f'"{base}" names a target that is no resource type', expression=f"http.{base}")
    if source is not None and code is not None:
        parameter = parameters[source].get(code)
        if parameter is None or parameter.definition["type"] != "reference":
            raise unsupported(base, f'{source} has no reference parameter "{short(code)}"')
    return Include(source, code, target, base == "_revinclude", bool(modifier))


def references(
    follow: Include, resource: Resource, parameters: Mapping[str, SearchParameter], base_url: str
) -> Iterator[Place]:
    """The resources of this server that the include follows from a resource."""
    if follow.source not in (None, resource["resourceType"]):
        return
    for parameter in _followed(follow, parameters):
        for value in parameter.evaluate(resource):
            written = value.get("reference") if isinstance(value, dict) else value
            place = local_reference(written, base_url) if isinstance(written, str) else None
            if place is not None and follow.target in (None, place[0]):
                yield place


def referring(
    follow: Include, places: Iterable[Place], parameters: Mapping[str, SearchParameter], base_url: str
) -> Filter | None:
    """Which resources of one type refer to one of these places; None where none can."""
    wanted = [f"{type}/{id}" for type, id in places if follow.target in (None, type)]
    codes = [parameter.code for parameter in _followed(follow, parameters)]
    entries = [entry for text in wanted for entry in (text, f"{base_url}/{text}")]
    return (
        Or(tuple(Equals(code, entry) for code in codes for entry in entries)) if codes and entries else None
    )


def _followed(follow: Include, parameters: Mapping[str, SearchParameter]) -> list[SearchParameter]:
    known = parameters.values() if follow.code is None else filter(None, [parameters.get(follow.code)])
    return [parameter for parameter in known if parameter.definition["type"] == "reference"]


def _parts(base: str, value: str) -> tuple[str | None, str | None, str | None]:
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if value == WILDCARD:
        return None, None, None
    if not source or not code:
        raise InvalidValue(
            f'"{base}" is Type:parameter, Type:parameter:Target, Type:* or *', expression=f"http.{base}"
        )
    return source, None if code == WILDCARD else code, target or None
