"""The definitions that drive the server as resources of their own, for reading and searching only.

They are few and never change while the server runs, so they are kept in memory and searched there, by
the same parameter types and filters that the stores are searched by.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fhir_mpi.definitions import DefinitionError, Definitions
from fhir_mpi.fhir.outcome import MethodNotAllowed, NotFound
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.search.filters import Filter, IndexEntries, Sort
from fhir_mpi.search.registry import SearchRegistry
from fhir_mpi.search.unstored import Unstored

INTERACTIONS: Final = ("read", "search-type")
STATEMENT: Final = "CapabilityStatement"
ID: Final = "_id"
_EVERY: Final = {
    "url": "uri",
    "name": "string",
    "title": "string",
    "description": "string",
    "status": "token",
    "version": "token",
}
_OWN: Final[Mapping[str, Mapping[str, str]]] = {
    STATEMENT: {},
    "OperationDefinition": dict.fromkeys(("code", "kind", "system", "type", "instance"), "token"),
    "SearchParameter": dict.fromkeys(("code", "base", "type", "target"), "token"),
    "StructureDefinition": {"kind": "token", "type": "uri"},
}
"""Type -> what it is searched by besides `_id` and what all are: code -> type of search parameter. Each
is R5's parameter of that name, and the name of the element that it looks at.
"""
TYPES: Final = tuple(_OWN)


class Published:
    """The definitions by type. DefinitionError where capability/statement.json serves one of these types.

    `operations` are those of its OperationDefinitions that can be called.

    The CapabilityStatement says the address that a client uses, so each request has its own: functions
    that may need it take what makes it.
    """

    def __init__(self, definitions: Definitions, operations: Iterable[Resource]) -> None:
        if stored := [type for type in TYPES if type in definitions.types]:
            raise DefinitionError(f"capability/statement.json: {stored[0]} is served from the definitions")
        self.search = SearchRegistry(_parameters(), TYPES)
        self._known = {
            "OperationDefinition": self._indexed(operations),
            "SearchParameter": self._indexed(definitions.search_parameters),
            "StructureDefinition": self._indexed(definitions.profiles),
        }

    def read(self, type: str, id: str, statement: Callable[[], Resource]) -> Resource:
        """NotFound where no definition has this id."""
        found = self._all(type, statement).get(id)
        if found is None:
            raise NotFound(f"{type}/{id} is not known")
        return found[0]

    def find(
        self, type: str, filter: Filter, sort: Sequence[Sort], statement: Callable[[], Resource]
    ) -> Sequence[Resource]:
        """Those that the filter finds, in the order asked for, and then in that of their ids."""
        known = self._all(type, statement)
        entries = {id: index for id, (_, index) in known.items()}
        return [known[id][0] for id in _ordered(Unstored(entries, now_ms=0).found(filter), entries, sort)]

    def capabilities(self) -> list[Json]:
        """What a CapabilityStatement says of each type (CapabilityStatement.rest.resource)."""
        return [
            {
                "type": type,
                "documentation": "What this server runs by; it can't be written.",
                "interaction": [{"code": code} for code in INTERACTIONS],
                "searchParam": [
                    {"name": code, "type": parameter.definition["type"]}
                    for code, parameter in sorted(self.search.parameters(type).items())
                ],
            }
            for type in TYPES
        ]

    def _all(
        self, type: str, statement: Callable[[], Resource]
    ) -> Mapping[str, tuple[Resource, IndexEntries]]:
        return self._indexed([statement()]) if type == STATEMENT else self._known[type]

    def _indexed(self, resources: Iterable[Resource]) -> Mapping[str, tuple[Resource, IndexEntries]]:
        return {one["id"]: (one, {**self.search.index(one), ID: [one["id"]]}) for one in resources}


def refusal(type: str, *, allow: Sequence[str] = ()) -> MethodNotAllowed:
    """Why one of these types can't be written, and has no history; `allow` are methods that would do."""
    return MethodNotAllowed(
        f"{type} is what this server runs by: it can be read and searched only", allow=allow
    )


def _parameters() -> Iterator[Resource]:
    expression = "Resource.id"
    yield {"url": ID, "code": ID, "base": ["Resource"], "type": "token", "expression": expression}
    for base, own in _OWN.items():
        for code, type in {**_EVERY, **own}.items():
            url = f"{base}-{code}"
            yield {"url": url, "code": code, "base": [base], "type": type, "expression": f"{base}.{code}"}


def _ordered(ids: Iterable[str], entries: Mapping[str, IndexEntries], sort: Sequence[Sort]) -> list[str]:
    """By the least value of each code, or the greatest descending; those without come last."""
    found = sorted(ids)
    for each in reversed(sort):
        found.sort(key=lambda id: _sort_key(entries[id], each), reverse=each.descending)
    return found


def _sort_key(entries: IndexEntries, sort: Sort) -> Any:
    values: Sequence[Any] = entries.get(sort.code, ())
    if not values:
        return (not sort.descending, "")
    return (sort.descending, max(values) if sort.descending else min(values))
