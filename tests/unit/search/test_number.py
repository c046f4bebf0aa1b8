"""number and quantity search (the tables of R5 search.html#number and #quantity)."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.search.registry import SearchRegistry
from tests.unit.search.served import CONTEXT, custom, observation_finds

NUMBER = custom("number", "Observation.length")
QUANTITY = custom("quantity", "Observation.value.ofType(Quantity) | Observation.cost | Observation.span")
UCUM = "http://unitsofmeasure.org"


@pytest.mark.parametrize(
    ("stored", "value", "found"),
    [
        (100, "100", True),
        (99.5, "100", True),
        (99.4, "100", False),
        (100.5, "100", False),
        (100, "100.00", True),
        (100.01, "100.00", False),
        (100, "1e2", True),
        (140, "1e2", True),
        (150, "1e2", False),
        (Decimal("5.40"), "5.4", True),
        (5.36, "5.4", True),
        (100, "lt100", False),
        (99.9, "lt100", True),
        (100, "le100", True),
        (100.1, "le100", False),
        (100.1, "gt100", True),
        (100, "gt100", False),
        (100, "ge100", True),
        (100, "ne100", False),
        (101, "ne100", True),
        (101, "sa100", True),
        (99, "eb100", True),
        (109, "ap100", True),
        (111, "ap100", False),
        (-5, "-5", True),
        (-109, "ap-100", True),
        ({"low": {"value": 3}, "high": {"value": 5}}, "gt4", True),
        ({"low": {"value": 3}}, "gt400", True),
        ({"high": {"value": 3}}, "lt-400", True),
        ({}, "ne0", False),
        (True, "1", False),
        ("100", "100", False),
    ],
)
def test_a_number_is_found_by(stored: Any, value: str, found: bool) -> None:
    assert observation_finds(NUMBER, {"length": stored}, "x", value) is found


@pytest.mark.parametrize(
    "value", ["abc", "1e999", "gt", "NaN", "Infinity", "1_0", "٣", "1" * 41, "--1", "1,x"]
)
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue, match="number"):
        observation_finds(NUMBER, {}, "x", value)


@pytest.mark.parametrize(
    ("stored", "value", "found"),
    [
        ({"value": 5.4, "system": UCUM, "code": "mg", "unit": "milligram"}, "5.4", True),
        ({"value": 5.4, "system": UCUM, "code": "mg"}, f"5.4|{UCUM}|mg", True),
        ({"value": 5.4, "system": UCUM, "code": "mg"}, f"gt5|{UCUM}|mg", True),
        ({"value": 5.4, "system": UCUM, "code": "mg"}, f"5.4|{UCUM}|g", False),
        ({"value": 5.4, "system": UCUM, "code": "mg", "unit": "milligram"}, "5.4||milligram", True),
        ({"value": 5.4, "system": UCUM, "code": "mg", "unit": "milligram"}, "5.4||mg", True),
        ({"value": 5.4, "comparator": "<", "code": "mg"}, "lt1", True),
        ({"value": 5.4, "comparator": ">=", "code": "mg"}, "gt9||mg", True),
        ({"value": 5.4, "comparator": ">", "code": "mg"}, "5.4", False),
        ({"unit": "mg"}, "ne1", False),
    ],
)
def test_a_quantity_is_found_by(stored: dict[str, Any], value: str, found: bool) -> None:
    assert observation_finds(QUANTITY, {"valueQuantity": stored}, "x", value) is found


def test_number_and_unit_are_of_the_same_quantity() -> None:
    two = {"valueQuantity": {"value": 1, "code": "g"}, "cost": {"value": 2, "code": "mg"}}
    assert observation_finds(QUANTITY, two, "x", "1||g")
    assert not observation_finds(QUANTITY, two, "x", "1||mg")


def test_money_is_searched_by_its_currency() -> None:
    assert observation_finds(
        QUANTITY, {"cost": {"value": 5, "currency": "EUR"}}, "x", "5|urn:iso:std:iso:4217|EUR"
    )


def test_a_range_has_the_unit_of_its_ends() -> None:
    span = {"span": {"low": {"value": 1, "code": "g"}, "high": {"value": 3, "code": "g"}}}
    assert observation_finds(QUANTITY, span, "x", "gt2||g")


def test_a_unit_makes_no_code_that_a_store_could_trip_over() -> None:
    observation = {
        "resourceType": "Observation",
        "valueQuantity": {"value": 1, "system": "a.b$", "code": "$.x"},
    }
    codes = SearchRegistry([QUANTITY], ["Observation"]).index(observation)
    assert len(codes) == 3
    assert all(code.replace(":", "").isalnum() for code in codes)


@pytest.mark.parametrize("value", ["5|mg", "5|a|b|c", "5|a|", "5||", "x||mg"])
def test_what_is_no_quantity_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue):
        SearchRegistry([QUANTITY], ["Observation"]).request("Observation", [("x", value)], context=CONTEXT)
