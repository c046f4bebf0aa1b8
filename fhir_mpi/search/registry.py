"""Every search parameter of every served type, compiled once: it writes the index and reads it."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from fhir_mpi.definitions import DefinitionError
from fhir_mpi.fhir.expression import Evaluate
from fhir_mpi.fhir.references import written_references
from fhir_mpi.fhir.resource_types import RESOURCE_TYPES
from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.filters import IndexEntries, IndexValue
from fhir_mpi.search.parameter import COLUMNS, SearchParameter, search_parameter
from fhir_mpi.search.query import SearchRequest, search_request
from fhir_mpi.search.term import SearchContext, cut
from fhir_mpi.search.types import Index

INDEX_VERSION: Final = 4
"""Raised whenever the code makes other entries from the same definitions: stored ones are then stale."""
DEPTH: Final = 3
REFERENCES: Final = ":reference"
"""The virtual code of everything that a resource refers to, in whatever element: search parameters know
some of these elements only.
"""
_SHARED: Final = ("Resource", "DomainResource")
_REQUIRED: Final = ("url", "code", "base", "type")


class SearchRegistry:
    """The definitions that apply to `types`; those about other resource types are left aside. `depth`
    is how many references in a row a chain may follow.

    Raises DefinitionError naming the definition whose base is no resource type, that can't be
    compiled, or that doubles another one's code on one type.
    """

    def __init__(self, definitions: Iterable[Resource], types: Iterable[str], *, depth: int = DEPTH) -> None:
        self._depth = depth
        self._parameters: dict[str, dict[str, SearchParameter]] = {type: {} for type in types}
        if unknown := sorted(self._parameters.keys() - RESOURCE_TYPES):
            raise DefinitionError(f"no resource types of R5: {', '.join(unknown)}")
        definitions = list(definitions)
        known = {definition.get("url", ""): definition for definition in definitions}
        for definition in definitions:
            self._add(definition, known)
        self._writers = {type: _writers(known.values()) for type, known in self._parameters.items()}

    def parameters(self, type: str) -> Mapping[str, SearchParameter]:
        """code -> parameter, of one served type."""
        return self._parameters[type]

    def index(self, resource: Resource) -> IndexEntries:
        """The entries that make a resource of a served type findable."""
        found: dict[str, dict[IndexValue, None]] = {}
        for code, evaluate, entries in self._writers[resource["resourceType"]]:
            if values := evaluate(resource):
                for suffix, entry in entries(values):
                    found.setdefault(code + suffix, {})[entry] = None
        references = dict.fromkeys(cut(text) for text in written_references(resource))
        every = {REFERENCES: list(references)} if references else {}
        return {code: list(entries) for code, entries in found.items()} | every

    def request(
        self, type: str, pairs: Sequence[tuple[str, str]], *, context: SearchContext
    ) -> SearchRequest:
        """The search of `type` that decoded query pairs ask for; raises the FhirErrors of R5 search."""
        return search_request(type, self._parameters, pairs, context, self._depth)

    def digest(self, type: str) -> str:
        """Changes whenever the index entries of a type would: a store compares it with what it has."""
        shapes = sorted(parameter.shape for parameter in self._parameters[type].values())
        return sha256("\x1e".join([str(INDEX_VERSION), *shapes]).encode()).hexdigest()[:32]

    def _add(self, definition: Resource, urls: Mapping[str, Resource]) -> None:
        if lacking := [key for key in _REQUIRED if not definition.get(key)]:
            raise DefinitionError(f"{definition.get('url') or definition.get('id')}: no {', '.join(lacking)}")
        bases = definition["base"]
        if unknown := [base for base in bases if base not in RESOURCE_TYPES and base not in _SHARED]:
            raise DefinitionError(f"{definition['url']}: unknown base {', '.join(unknown)}")
        shared = any(base in _SHARED for base in bases)
        for type, known in self._parameters.items():
            if shared or type in bases:
                parameter = search_parameter(definition, type, urls)
                if (other := known.setdefault(parameter.code, parameter)) is not parameter:
                    doubled = f"{type} has {parameter.code} from {other.definition['url']} already"
                    raise DefinitionError(f"{definition['url']}: {doubled}")


def _writers(parameters: Iterable[SearchParameter]) -> list[tuple[str, Evaluate, Index]]:
    return [(p.code, p.evaluate, p.type.index) for p in parameters if p.code not in COLUMNS]
