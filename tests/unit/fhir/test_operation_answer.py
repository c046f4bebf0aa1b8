"""An operation answers what its definition says."""

from typing import Any, Final

import pytest

from fhir_mpi.fhir.operation_answer import WrongAnswer, answer_parameters, check_answer
from fhir_mpi.fhir.types import Resource


def answering(*parameters: Resource) -> Resource:
    return {"id": "try", "parameter": [{"use": "out", "min": 1, "max": "1", **p} for p in parameters]}


BUNDLE: Final = answering({"name": "return", "type": "Bundle"})
PARTS: Final = answering(
    {"name": "count", "type": "integer"},
    {"name": "link", "min": 0, "max": "*", "part": [{"name": "id", "type": "string", "min": 1, "max": "1"}]},
)


@pytest.mark.parametrize(
    ("definition", "answer"),
    [
        (BUNDLE, {"resourceType": "Bundle"}),
        (answering({"name": "return", "type": "Resource"}), {"resourceType": "Patient"}),
        (answering({"name": "return", "type": "Meta"}), answer_parameters(("return", "Meta", {}))),
        (PARTS, answer_parameters(("count", "integer", 1))),
        (answering({"name": "count", "type": "integer", "min": 0}), answer_parameters()),
        (
            PARTS,
            {
                "resourceType": "Parameters",
                "parameter": [
                    {"name": "link", "part": [{"name": "id", "valueString": "a"}]},
                    {"name": "link", "part": [{"name": "id", "valueString": "b"}]},
                    {"name": "count", "valueInteger": 1},
                ],
            },
        ),
    ],
)
def test_an_answer_as_defined_is_let_through(definition: Resource, answer: Resource) -> None:
    check_answer(definition, answer)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "count 0 times"),
        ([{"name": "count", "valueInteger": 1}] * 2, "count 2 times"),
        ([{"name": "count", "valueString": "1"}], "count that is no integer"),
        ([{"name": "count", "valueInteger": 1}, {"name": "more"}], "more, which is not defined"),
        ([{"name": "count", "valueInteger": 1}, {"name": "link"}], "id 0 times"),
    ],
)
def test_another_answer_is_a_fault_of_the_server(values: list[Any], said: str) -> None:
    with pytest.raises(WrongAnswer, match=said):
        check_answer(PARTS, {"resourceType": "Parameters", "parameter": values})


def test_a_resource_of_another_type_is_a_fault_of_the_server() -> None:
    with pytest.raises(WrongAnswer, match="Patient in place of a Bundle"):
        check_answer(BUNDLE, {"resourceType": "Patient"})
    with pytest.raises(WrongAnswer, match="answered a Bundle"):
        check_answer(PARTS, {"resourceType": "Bundle"})
