"""composite: components that one and the same element must meet."""

from typing import Any

import pytest

from fhir_mpi.fhir.outcome import InvalidValue, UnsupportedParameter
from fhir_mpi.search.registry import SearchRegistry
from fhir_mpi.search.types.composite import SLOTS
from tests.unit.search.findings import holds
from tests.unit.search.served import CONTEXT


def parameter(code: str, kind: str, expression: str, **more: Any) -> dict[str, Any]:
    url = f"https://example.org/SearchParameter/{code}"
    return {"url": url, "code": code, "base": ["Observation"], "type": kind, "expression": expression, **more}


def component(code: str, expression: str) -> dict[str, str]:
    return {"definition": f"https://example.org/SearchParameter/{code}", "expression": expression}


REGISTRY = SearchRegistry(
    [
        parameter("code", "token", "Observation.component.code"),
        parameter("amount", "quantity", "Observation.component.value.ofType(Quantity)"),
        parameter("note", "string", "Observation.component.value.ofType(string)"),
        parameter(
            "code-amount",
            "composite",
            "Observation.component",
            component=[component("code", "code"), component("amount", "value.ofType(Quantity)")],
        ),
        parameter(
            "code-note",
            "composite",
            "Observation.component",
            component=[component("code", "code"), component("note", "value.ofType(string)")],
        ),
    ],
    ["Observation"],
)


def measured(code: str, **value: Any) -> dict[str, Any]:
    return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value}


def observation(*components: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Observation", "component": list(components)}


def kg(value: float) -> dict[str, Any]:
    return {"valueQuantity": {"value": value, "code": "kg", "system": "http://unitsofmeasure.org"}}


def finds(resource: dict[str, Any], name: str, value: str) -> bool:
    asked = REGISTRY.request("Observation", [(name, value)], context=CONTEXT)
    return holds(asked.filter, REGISTRY.index(resource))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("weight$gt80", True),
        ("http://loinc.org|weight$85.0||kg", True),
        ("height$gt80", False),  # the weight is not the height
        ("height$lt80", True),
        ("weight$lt80", False),
        ("weight$85||g", False),
        ("height$gt80,weight$gt80", True),
        ("girth$gt0", False),
    ],
)
def test_all_components_hold_of_one_element(value: str, found: bool) -> None:
    resource = observation(measured("weight", **kg(85)), measured("height", **kg(2)))
    assert finds(resource, "code-amount", value) is found


def test_escapes_belong_to_the_component() -> None:
    resource = observation(measured("price", valueString="5$, or |"), measured("other", valueString="x"))
    assert finds(resource, "code-note", r"price$5\$\, or \|")
    assert not finds(resource, "code-note", r"other$5\$\, or \|")


def test_missing_says_whether_there_is_such_an_element() -> None:
    assert finds(observation(measured("x")), "code-amount:missing", "false")
    assert finds({"resourceType": "Observation"}, "code-amount:missing", "true")


def test_what_comes_behind_the_last_slot_is_still_found() -> None:
    resource = observation(*(measured(f"c{n}", **kg(n)) for n in range(SLOTS + 5)))
    for number in range(SLOTS + 5):
        assert finds(resource, "code-amount", f"c{number}${number}")
    assert not finds(resource, "code-amount", "c1$2")


@pytest.mark.parametrize("value", ["weight", "weight$1$2", "weight$", "$1", "$"])
def test_a_value_has_as_many_parts_as_there_are_components(value: str) -> None:
    with pytest.raises(InvalidValue, match=r'"code-amount" is not 2 values joined by \$'):
        finds(observation(), "code-amount", value)


def test_a_value_of_a_component_is_judged_by_its_type() -> None:
    with pytest.raises(InvalidValue):
        finds(observation(), "code-amount", "weight$heavy")


def test_nothing_is_sorted_by_a_composite() -> None:
    with pytest.raises(UnsupportedParameter, match="cannot sort"):
        finds(observation(), "_sort", "code-amount")


def test_components_are_part_of_what_the_index_depends_on() -> None:
    definitions = [p.definition for p in REGISTRY.parameters("Observation").values()]
    changed = [
        d | {"component": [d["component"][0], d["component"][1] | {"expression": "value"}]}
        if "component" in d
        else d
        for d in definitions
    ]
    assert SearchRegistry(changed, ["Observation"]).digest("Observation") != REGISTRY.digest("Observation")
