"""Parts of resources, without a server; of R5's own examples where they are here."""

import json
from pathlib import Path

import pytest

from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.subset import MODIFIERS, Shape, is_subsetted, subset
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation import Validator

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "r5"
TYPES = load_definitions().types
EXAMPLES = sorted(path for type in TYPES for path in (DATA / "examples").glob(f"{type.lower()}-*.json"))
PERSON: Json = {
    "resourceType": "Person",
    "id": "a",
    "language": "en",
    "implicitRules": "urn:rules",
    "name": [{"family": "Ott", "given": ["Ana", None], "_given": [None, {"id": "x"}]}],
    "_birthDate": {"extension": [{"url": "urn:x", "valueCode": "unknown"}]},
    "photo": {"title": "me"},
    "communication": [{"language": {"text": "German"}}],
    "link": [{"target": {"reference": "Patient/1"}, "assurance": "level2"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
}


def without_meta(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key != "meta"}


def test_a_summary_keeps_what_is_marked_as_one() -> None:
    found = subset(PERSON, Shape("true"))
    names = ["resourceType", "id", "implicitRules", "name", "_birthDate"]
    assert without_meta(found) == {name: PERSON[name] for name in names}


def test_a_required_element_stays_at_its_level() -> None:
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/1"}],
        "agent": [{"who": {"display": "Dr. Ott"}, "role": [{"text": "author"}]}],
        "entity": [{"role": "source", "what": {"display": "x"}}],
    }
    assert without_meta(subset(provenance, Shape("text"))) == {
        key: provenance[key] for key in ("resourceType", "target", "agent")
    }
    (entity,) = subset(provenance, Shape("true"))["entity"]
    assert entity == {"role": "source", "what": {"display": "x"}}


def test_an_element_that_is_empty_in_the_summary_is_left_out() -> None:
    only = {"resourceType": "Patient", "name": [{"extension": [{"url": "urn:x", "valueCode": "y"}]}]}
    assert without_meta(subset(only, Shape("true"))) == {"resourceType": "Patient"}


def test_a_part_is_tagged_once_and_the_original_left_alone() -> None:
    once = subset({**PERSON, "meta": {"versionId": "3"}}, Shape("data"))
    twice = subset(once, Shape("data"))
    assert [is_subsetted(tag) for tag in twice["meta"]["tag"]] == [True]
    assert twice["meta"]["versionId"] == "3"
    assert "meta" not in PERSON


@pytest.mark.parametrize(
    "tag", [None, "SUBSETTED", {"code": "SUBSETTED"}, {"system": "urn:x", "code": "SUBSETTED"}]
)
def test_another_tag_is_no_mark_of_a_part(tag: object) -> None:
    assert not is_subsetted(tag)


@pytest.mark.parametrize("type", TYPES)
def test_the_modifiers_are_those_of_the_definition(type: str) -> None:
    path = DATA / "structuredefinitions" / f"{type}.json"
    if not path.exists():
        pytest.skip(f"THE MODIFIERS OF {type} ARE NOT COMPARED: its definition is not here")
    elements = json.loads(path.read_text())["snapshot"]["element"]
    names = {
        e["path"].partition(".")[2].removesuffix("[x]")
        for e in elements
        if e.get("isModifier") and e["path"].count(".") == 1
    }
    assert names - {"implicitRules", "modifierExtension"} == MODIFIERS.get(type, frozenset())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("summary", ["true", "text", "data"])
def test_a_part_of_an_official_example_is_valid(path: Path, summary: str) -> None:
    whole = json.loads(path.read_text())
    validator = Validator(TYPES)
    part = subset(whole, Shape(summary))
    known = {issue.expression for issue in validator.issues(whole) if issue.severity == "error"}
    # an invariant may ask for what no summary has: org-1 a name, of which the text tells
    found = [i for i in validator.issues(part) if i.severity == "error" and i.code != "invariant"]
    errors = [issue for issue in found if issue.expression not in known]
    assert errors == []


def test_the_official_examples_are_here() -> None:
    if not EXAMPLES:
        pytest.skip("NO OFFICIAL EXAMPLE IS CUT: the shared data are not here")
    assert len(EXAMPLES) > 10
