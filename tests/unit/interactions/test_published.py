"""Definitions in memory: what can't be served from them, and how they are put in order."""

from dataclasses import replace

import pytest

from fhir_mpi.definitions import DefinitionError, load_definitions
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.published import TYPES, Published
from fhir_mpi.search.filters import EVERYTHING, Sort

DEFINITIONS = load_definitions()


def no_statement() -> Resource:
    raise AssertionError("nobody asked for the statement")


@pytest.mark.parametrize("type", TYPES)
def test_a_type_is_served_from_the_store_or_from_the_definitions_never_from_both(type: str) -> None:
    stored = replace(DEFINITIONS, interactions={**DEFINITIONS.interactions, type: frozenset({"read"})})
    with pytest.raises(DefinitionError, match=f"{type} is served from the definitions"):
        Published(stored, [])


def found(*sort: Sort) -> list[str]:
    parameters: tuple[Resource, ...] = (
        {"id": "a", "code": "x", "target": ["Person"]},
        {"id": "b", "code": "y"},
        {"id": "c", "code": "x", "target": ["Organization", "Practitioner"]},
        {"id": "d", "code": "x", "target": ["Person"]},
    )
    each = tuple({"resourceType": "SearchParameter", **one} for one in reversed(parameters))
    published = Published(replace(DEFINITIONS, search_parameters=each), [])
    return [one["id"] for one in published.find("SearchParameter", EVERYTHING, sort, no_statement)]


def test_without_an_order_they_come_by_their_ids() -> None:
    assert found() == ["a", "b", "c", "d"]


def test_an_order_goes_by_the_least_value_ascending_and_what_has_none_comes_last() -> None:
    assert found(Sort("target")) == ["c", "a", "d", "b"]


def test_an_order_goes_by_the_greatest_value_descending_and_what_has_none_comes_last() -> None:
    assert found(Sort("target", descending=True)) == ["c", "a", "d", "b"]
    assert found(Sort("code", descending=True), Sort("_id", descending=True)) == ["b", "d", "c", "a"]
