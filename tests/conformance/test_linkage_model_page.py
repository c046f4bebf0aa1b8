"""The page about linkage models: its example is a model, and every name a model may use stands there."""

import re
from importlib.resources import files
from typing import Any

import orjson

from fhir_mpi.linkage.comparators import COMPARATORS
from fhir_mpi.linkage.features import FEATURES
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.identifiers import CHECKS
from fhir_mpi.linkage.model import load_model
from fhir_mpi.linkage.record import Record
from tests.conformance.console import ROOT

PAGE = (ROOT / "docs" / "reference" / "linkage-model.md").read_text()
PARTS = re.split(r"^## (\w.*)$", PAGE, flags=re.MULTILINE)
SECTIONS = dict(zip(PARTS[1::2], PARTS[2::2], strict=True))
SCHEMA: dict[str, Any] = orjson.loads(files("fhir_mpi.linkage").joinpath("model_schema.json").read_bytes())
KINDS = {
    "The document": SCHEMA,
    "blockingRules": SCHEMA["$defs"]["blockingRule"],
    "comparisons": SCHEMA["$defs"]["comparison"],
    "levels": SCHEMA["$defs"]["level"],
    **{
        name: SCHEMA["$defs"][name]
        for name in ("termFrequencies", "household", "normalisation", "splink", "grades")
    },
    "caps": SCHEMA["$defs"]["cap"],
    "rules": SCHEMA["$defs"]["rule"],
}


def _table(section: str, heading: str) -> dict[str, str]:
    """First cell -> second cell, of the table in a section whose heading begins so."""
    found = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", SECTIONS[section], re.MULTILINE)
    assert found, (section, heading)
    rows = [row.strip("|").split(" | ") for row in found[1].splitlines()]
    return {name: cells[0].strip() for key, *cells in rows for name in re.findall(r"`([^`]+)`", key)}


def test_every_field_has_its_row_and_says_whether_it_is_required() -> None:
    assert SECTIONS.keys() == KINDS.keys()
    for section, schema in KINDS.items():
        said = _table(section, "field")
        assert said.keys() == schema["properties"].keys(), section
        assert {name for name, needed in said.items() if needed == "yes"} == set(
            schema.get("required", ())
        ), section


def test_every_comparator_and_every_feature_of_a_key_has_its_row() -> None:
    assert _table("levels", "comparator").keys() == COMPARATORS.keys()
    assert _table("blockingRules", "feature of a key").keys() == FEATURES.keys()


def test_every_check_of_an_identifier_is_named() -> None:
    row = re.search(r"^\| `identifierChecks` \|.*$", SECTIONS["normalisation"], re.MULTILINE)
    assert row
    assert re.findall(r"`([\w-]+)`", row[0])[1:] == list(CHECKS)


def test_every_feature_that_can_be_compared_is_named() -> None:
    row = re.search(r"^\| `feature` \|.*$", SECTIONS["comparisons"], re.MULTILINE)
    assert row
    assert re.findall(r"`(\w+)`", row[0])[1:] == list(Record._fields[1:])


def test_the_example_is_a_model_that_scores() -> None:
    blocks = re.findall(r'^```json title="model.json"\n(.+?)^```$', PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    document = orjson.loads(blocks[0])
    assert document.keys() == SCHEMA["properties"].keys() - {"splink"}
    smith = Record("1", family=("smith",), birth_date=("1980-02-29",), phone=("5550100200",))
    [score] = FellegiSunter(load_model(document)).score(smith, [smith], population=1)
    assert [o.level for o in score.outcomes[1:]] == ["exact", "exact", "missing", "exact", "counted once"]
    assert score.probability > 0.99
