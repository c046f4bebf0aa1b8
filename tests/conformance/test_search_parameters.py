"""search_params/ against the official definitions of R5, and their expressions against another engine."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.definitions import Definitions, load_definitions
from fhir_mpi.fhir.expression import compile_expression
from fhir_mpi.fhir.fhirpath import Union, parse
from fhir_mpi.fhir.types import Resource
from fhir_mpi.search.chains import HAS
from fhir_mpi.search.query import UNSERVED
from fhir_mpi.search.registry import SearchRegistry

R5 = Path(__file__).parents[3] / "shared" / "data" / "r5"
OFFICIAL = R5 / "search-parameters-mpi.json"
CHECKED_BY_HAND = {"clinical-encounter"}  # and Provenance-*: the data file has none of that type's own
FACTS = ("url", "code", "type", "base", "processingMode")


@cache
def definitions() -> Definitions:
    return load_definitions()


@cache
def official() -> dict[str, Resource]:
    if not OFFICIAL.is_file():
        pytest.skip("the official R5 definitions are not here")
    bundle = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    return {entry["resource"]["id"]: entry["resource"] for entry in bundle["entry"]}


def branches(expression: str) -> set[Any]:
    tree = parse(expression)
    return set(tree.parts) if isinstance(tree, Union) else {tree}


def test_every_file_is_named_for_its_definition() -> None:
    folder = Path(__file__).parents[2] / "search_params"
    for file in folder.glob("*.json"):
        definition = json.loads(file.read_text(encoding="utf-8"))
        assert definition["id"] == file.stem
        assert definition["url"] == f"http://hl7.org/fhir/SearchParameter/{file.stem}"
        assert definition["status"] == "active"
        assert definition["name"].isidentifier()
        assert definition["description"].endswith(".")


def test_the_facts_are_those_of_r5() -> None:
    for definition in definitions().search_parameters:
        known = official().get(definition["id"])
        if known is None:
            assert definition["id"] in CHECKED_BY_HAND or definition["base"] == ["Provenance"]
            continue
        for fact in FACTS:
            assert definition.get(fact) == known.get(fact), (definition["id"], fact)
        assert set(definition.get("target", ())) == set(known.get("target", ())), definition["id"]
        assert branches(definition["expression"]) == branches(known["expression"]), definition["id"]


def test_the_words_are_our_own() -> None:
    for definition in definitions().search_parameters:
        if known := official().get(definition["id"]):
            assert definition["description"] not in known["description"], definition["id"]


def test_every_official_parameter_of_a_served_type_is_served_or_refused_by_name() -> None:
    registry = SearchRegistry(definitions().search_parameters, definitions().types)
    for known in official().values():
        for type in definitions().types:
            if type in known["base"] or set(known["base"]) & {"Resource", "DomainResource"}:
                assert known["code"] in registry.parameters(type).keys() | UNSERVED.keys() | {HAS}, (
                    type,
                    known["id"],
                )


@pytest.mark.parametrize(
    ("type", "count"),
    [
        ("Patient", 30),
        ("Organization", 20),
        ("Person", 30),
        ("RelatedPerson", 26),
        ("Practitioner", 27),
        ("Provenance", 20),
    ],
)
def test_a_type_has_this_many_parameters(type: str, count: int) -> None:
    registry = SearchRegistry(definitions().search_parameters, definitions().types)
    assert len(registry.parameters(type)) == count


def test_every_official_expression_compiles_for_each_of_its_bases() -> None:
    pairs = [(p, base) for p in official().values() if "expression" in p for base in p["base"]]
    for parameter, base in pairs:
        compile_expression(parameter["expression"], base)
    assert len(pairs) == 288


@pytest.mark.parametrize(
    ("type", "expression"),
    [
        ("Encounter", "Encounter.status"),
        ("Encounter", "Encounter.class"),
        ("Encounter", "Encounter.actualPeriod"),
        ("Encounter", "Encounter.length"),
        ("Encounter", "Encounter.subject.where(resolve() is Patient)"),
        ("Encounter", "Encounter.participant.actor.where(resolve() is Practitioner)"),
        ("Encounter", "Encounter.reason.value.concept"),
        ("Observation", "Observation.effective.ofType(dateTime) | Observation.effective.ofType(Period)"),
        ("Observation", "Observation.value.ofType(Quantity) | Observation.value.ofType(SampledData)"),
        ("Observation", "Observation.code | Observation.component.code"),
        (
            "Observation",
            "Observation.value.ofType(CodeableConcept) | Observation.component.value.ofType(CodeableConcept)",
        ),
    ],
)
def test_types_that_json_may_add_compile_too(type: str, expression: str) -> None:
    assert compile_expression(expression, type)({"resourceType": type}) == []


# What fhirpathpy can't do, so that it is no judge of it: paths from Resource, and resolve().
UNJUDGED = ("Resource.", "DomainResource.", "resolve()")


def judged() -> Iterator[tuple[Resource, str, str]]:
    """Every example with each expression about its type that the other engine understands."""
    for file in sorted((R5 / "examples").glob("*.json")):
        resource = json.loads(file.read_text(encoding="utf-8"))
        type = resource["resourceType"]
        for parameter in official().values():
            expression = parameter.get("expression", "")
            own = " | ".join(b for b in expression.split(" | ") if f"{type}." in b)
            if type in parameter["base"] and not any(fault in own for fault in UNJUDGED):
                yield resource, type, own


def test_another_fhirpath_engine_agrees_on_the_official_examples() -> None:
    if not OFFICIAL.is_file():
        pytest.skip("the official R5 definitions and examples are not here")
    from fhirpathpy import compile as fhirpath
    from fhirpathpy.models import models

    @cache
    def theirs(expression: str) -> Any:
        return fhirpath(expression, models["r5"])

    compared = 0
    for resource, type, expression in judged():
        ours = compile_expression(expression, type)(resource)
        assert texts(ours) == texts(theirs(expression)(resource)), (resource["id"], expression)
        compared += 1
    assert compared > 1000


def texts(values: list[Any]) -> set[str]:
    return {json.dumps(value, sort_keys=True, default=str) for value in values}
