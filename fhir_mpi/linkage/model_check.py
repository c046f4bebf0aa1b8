"""What is wrong with a linkage model's JSON: its shape by JSON Schema, then everything it refers to."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.comparators import COMPARATORS
from fhir_mpi.linkage.features import FEATURES
from fhir_mpi.linkage.identifiers import CHECKS
from fhir_mpi.linkage.record import Record
from fhir_mpi.linkage.splink.source import source_problems, splink_source
from fhir_mpi.linkage.telecom import is_region


def model_problems(document: Mapping[str, Any]) -> list[str]:
    """Every problem, each as a JSON path and a sentence; empty for a model that can be used."""
    problems = [f"{e.json_path}: {e.message}" for e in _validator().iter_errors(document)]
    return problems or list(_dangling(document))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(
        orjson.loads(files("fhir_mpi.linkage").joinpath("model_schema.json").read_bytes())
    )


def _dangling(document: Mapping[str, Any]) -> Iterator[str]:
    """References to features, comparators, tables, comparisons and levels that do not exist."""
    tables = document.get("termFrequencies", {})
    for n, rule in enumerate(document["blockingRules"]):
        named = [feature for features in (rule["stored"], *rule.get("probe", ())) for feature in features]
        for feature in dict.fromkeys(named):
            if feature not in FEATURES:
                yield f"$.blockingRules[{n}]: unknown feature {feature!r}"
    for n, comparison in enumerate(document["comparisons"]):
        yield from _dangling_comparison(comparison, f"$.comparisons[{n}]", tables)
    for name, table in tables.items():
        if not all(isinstance(share, float | int) and 0 < share <= 1 for share in table["values"].values()):
            yield f"$.termFrequencies.{name}.values: a share is not above 0 and up to 1"
    yield from _dangling_names(document)
    yield from _splink_problems(document)
    yield from _unknown_conventions(document.get("normalisation", {}))
    grades = document["grades"]
    if not grades["certain"] > grades["probable"] > grades["possible"]:
        yield "$.grades: thresholds must fall from certain to possible"


def _dangling_comparison(comparison: Json, path: str, tables: Mapping[str, Any]) -> Iterator[str]:
    if comparison["feature"] not in Record._fields[1:] or comparison["feature"] == "columns":
        yield f"{path}.feature: unknown feature {comparison['feature']!r}"
    for n, level in enumerate(comparison["levels"]):
        if level["comparator"] not in COMPARATORS:
            yield f"{path}.levels[{n}].comparator: unknown comparator {level['comparator']!r}"
        table = level.get("termFrequency")
        if table is not None and table not in tables:
            yield f"{path}.levels[{n}].termFrequency: unknown table {table!r}"
    first, last = comparison["levels"][0], comparison["levels"][-1]
    if not first.get("null"):
        yield f"{path}.levels[0]: the first level must be the null level"
    if last["comparator"] != "else":
        yield f"{path}.levels[{len(comparison['levels']) - 1}]: the last level must be else"


def _unknown_conventions(normalisation: Mapping[str, Any]) -> Iterator[str]:
    region = normalisation.get("region")
    if region is not None and not is_region(region):
        yield f"$.normalisation.region: {region!r} is no region with phone numbers"
    for system, check in normalisation.get("identifierChecks", {}).items():
        if check not in CHECKS:
            yield f"$.normalisation.identifierChecks: {system!r} has the unknown check {check!r}"


def _splink_problems(document: Mapping[str, Any]) -> Iterator[str]:
    if "splink" not in document:
        return
    if "household" in document:
        yield "$.household: it counts the weights of comparisons that a Splink model takes the place of"
    # parsing SQL costs memory that other models don't need
    from fhir_mpi.linkage.splink.scoring import NUMBERS, condition_problems

    source = splink_source(document["splink"])
    problems = list(source_problems(source, NUMBERS))
    yield from problems or condition_problems(source)


def _dangling_names(document: Mapping[str, Any]) -> Iterator[str]:
    levels = {c["name"]: {level["label"] for level in c["levels"]} for c in document["comparisons"]}
    household = document.get("household", {"location": [], "contact": []})
    for kind in ("location", "contact"):
        for name in household[kind]:
            if name not in levels:
                yield f"$.household.{kind}: unknown comparison {name!r}"
    for kind in ("caps", "rules"):
        for n, cap in enumerate(document.get(kind, ())):
            for clause in ("when", "oneOf", "unless"):
                for name, labels in cap.get(clause, {}).items():
                    if not set(labels) <= levels.get(name, set()):
                        yield f"$.{kind}[{n}].{clause}.{name}: unknown comparison or level"
