"""A SearchParameter compiled for one resource type."""

from dataclasses import dataclass
from typing import Final

from fhir_mpi.definitions import DefinitionError
from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.expression import Evaluate, compile_expression
from fhir_mpi.search.fhirpath import UnsupportedExpression
from fhir_mpi.search.types import TYPES, SearchType

COLUMNS: Final = frozenset({"_id", "_lastUpdated"})
"""What every store keeps beside the resource: searched and sorted by, but never an index entry."""


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
        return self.type.modifiers if self.code not in COLUMNS else frozenset({"missing", "not"})

    @property
    def shape(self) -> str:
        """What its index entries depend on."""
        parts = (self.definition.get(key, "") for key in ("code", "type", "processingMode", "expression"))
        return "\x1f".join(parts)


def search_parameter(definition: Resource, base: str) -> SearchParameter:
    """`definition` for resources of type `base`; DefinitionError naming its url where it can't be served."""
    kind = definition["type"]
    if definition.get("processingMode") == "phonetic":
        kind = "phonetic"
    if kind not in TYPES:
        raise DefinitionError(f"{definition['url']}: search parameters of type {kind} can't be served")
    if "expression" not in definition:
        raise DefinitionError(f"{definition['url']}: it has no expression")
    try:
        evaluate = compile_expression(definition["expression"], base)
    except UnsupportedExpression as error:
        raise DefinitionError(f"{definition['url']} for {base}: {error}") from error
    return SearchParameter(definition, base, TYPES[kind], evaluate)
