"""A SearchParameter compiled for one resource type."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fhir_mpi.definitions import DefinitionError
from fhir_mpi.fhir.expression import Evaluate, compile_element_expression, compile_expression
from fhir_mpi.fhir.fhirpath import UnsupportedExpression
from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.types import TYPES, SearchType, composite_type

COMPOSITE: Final = "composite"
COLUMNS: Final = frozenset({"_id", "_lastUpdated"})
"""What every store keeps beside the resource: searched and sorted by, but never an index entry."""
MDM: Final = "mdm"
"""HAPI's qualifier: not this resource alone, but any that is known to be the same (search.identity)."""


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """`evaluate` takes a resource of `base` and returns the elements that `type` indexes."""

    definition: Resource
    base: str
    type: SearchType
    evaluate: Evaluate

    @property
    def code(self) -> str:
        found: str = self.definition["code"]
        return found

    @property
    def modifiers(self) -> frozenset[str]:
        """The modifiers that are understood, resource types among them for a reference."""
        if self.code not in COLUMNS:
            return self.type.modifiers
        return frozenset({"missing", "not", MDM} if self.code == "_id" else {"missing", "not"})

    @property
    def shape(self) -> str:
        """What its index entries depend on."""
        parts = (self.definition.get(key, "") for key in ("code", "type", "processingMode", "expression"))
        components = self.definition.get("component", ())
        return "\x1f".join((*parts, *(f"{c['definition']}\x1d{c['expression']}" for c in components)))


def search_parameter(
    definition: Resource, base: str, known: Mapping[str, Resource] = MappingProxyType({})
) -> SearchParameter:
    """`definition` for resources of type `base`; DefinitionError naming its url where it can't be served.

    `known` are all definitions by url, among which a composite one finds those of its components.
    """
    if "expression" not in definition:
        raise DefinitionError(f"{definition['url']}: it has no expression")
    try:
        type = _composite(definition, known) if definition["type"] == COMPOSITE else _type(definition)
        evaluate = compile_expression(definition["expression"], base)
    except UnsupportedExpression as error:
        raise DefinitionError(f"{definition['url']} for {base}: {error}") from error
    return SearchParameter(definition, base, type, evaluate)


def _type(definition: Resource) -> SearchType:
    kind = "phonetic" if definition.get("processingMode") == "phonetic" else definition["type"]
    if kind not in TYPES:
        raise DefinitionError(f"{definition['url']}: search parameters of type {kind} can't be served")
    return TYPES[kind]


def _composite(definition: Resource, known: Mapping[str, Resource]) -> SearchType:
    """The type of a composite parameter: those of its components, which other definitions say."""
    components = [(c.get("definition", ""), c.get("expression", "")) for c in definition.get("component", ())]
    if len(components) < 2:
        raise DefinitionError(f"{definition['url']}: a composite parameter has two components or more")
    if missing := [url for url, _ in components if url not in known]:
        raise DefinitionError(f"{definition['url']}: there is no component {missing[0]}")
    return composite_type([(compile_element_expression(text), _type(known[url])) for url, text in components])
