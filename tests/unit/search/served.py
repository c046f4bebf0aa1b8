"""The shipped search parameters, compiled, and a search on one resource."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.query import SearchRequest
from fhir_mpi.search.registry import SearchRegistry
from fhir_mpi.search.term import SearchContext
from tests.unit.search.findings import holds

NOW = 1_790_000_000_000  # 2026-09-21
CONTEXT = SearchContext(now_ms=NOW, base_url="https://mpi.example.org/fhir")
LENIENT = SearchContext(now_ms=NOW, base_url="https://mpi.example.org/fhir", lenient=True)


@cache
def registry() -> SearchRegistry:
    definitions = load_definitions()
    return SearchRegistry(definitions.search_parameters, definitions.types)


def request(
    pairs: Iterable[tuple[str, str]], type: str = "Patient", context: SearchContext = CONTEXT
) -> SearchRequest:
    return registry().request(type, list(pairs), context=context)


def finds(resource: Resource, name: str, value: str) -> bool:
    """Whether a search for `name=value` finds this resource."""
    found = request([(name, value)], resource["resourceType"])
    return holds(found.filter, registry().index(resource))


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient", **elements}


def custom(type: str, expression: str, **elements: Any) -> Resource:
    """A SearchParameter `x` on Observation."""
    return {
        "resourceType": "SearchParameter",
        "id": "Observation-x",
        "url": "https://example.org/SearchParameter/Observation-x",
        "code": "x",
        "base": ["Observation"],
        "type": type,
        "expression": expression,
        **elements,
    }


def observation_finds(definition: Resource, observation: Resource, name: str, value: str) -> bool:
    known = SearchRegistry([definition], ["Observation"])
    observation = {"resourceType": "Observation", **observation}
    found = known.request("Observation", [(name, value)], context=CONTEXT)
    return holds(found.filter, known.index(observation))
