"""R5's own examples, Synthea's people and the official validator's verdicts, held against ours."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_mpi.fhir.json import decode, encode
from fhir_mpi.fhir.outcome import FhirError, Issue
from fhir_mpi.fhir.types import Json
from fhir_mpi.fhir.validation import Validator

DATA = Path(__file__).parents[2].parent / "shared" / "data"
VALIDATOR = Validator(["Patient", "Organization", "Person", "RelatedPerson"])

# Made for parsers, with two modifier extensions that mean nothing: a server must not accept what it
# cannot understand (R5 Extensibility, modifierExtension).
UNKNOWN_MODIFIERS = {"json-edge-cases.json"}

# Cases of the official validator that end differently here, and why.
DIFFERENT = {
    "ext-ctxt-resource-bad": "the context stands in a definition that is not ours",
    "extension-version-restriction-range-r5": "the range of versions stands in a definition that is not ours",
    "extension-version-restriction-range-ctxt-r5": "the context stands in a definition that is not ours",
    "bundle-conditional-reference-bad": "whether the query of a conditional reference is one is not checked",
    "params-ws": "U+000B and U+000C are refused: R5 forbids them in strings, the validator warns",
    "unicode-control-chars-json": "U+0013 is refused: R5 forbids it in strings, the validator warns",
}


def files(*parts: str) -> list[Path]:
    return sorted(DATA.joinpath(*parts).glob("*.json"))


def need(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"the shared data are not here: {path.name}")
    return path


def errors(resource: Json) -> list[Issue]:
    return [issue for issue in VALIDATOR.issues(resource) if issue.severity == "error"]


def exact(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal, object_pairs_hook=lambda pairs: pairs)


SMALL = (
    b'{"resourceType":"Patient","id":"a","name":[{"given":["x",null],"_given":[null,{"id":"y"}]}],"zz":1.00}'
)
EXAMPLES = [*files("r5", "examples"), *files("idi", "patients")]


def test_the_examples_are_here() -> None:
    need(DATA / "r5" / "examples")
    assert len(EXAMPLES) >= 56


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_official_example_is_valid(path: Path) -> None:
    found = errors(decode(path.read_bytes()))
    if path.name in UNKNOWN_MODIFIERS:
        assert {issue.code for issue in found} == {"extension"}
    else:
        assert found == []


@pytest.mark.parametrize("body", [SMALL, *(path.read_bytes() for path in EXAMPLES)])
def test_what_is_decoded_is_encoded_alike(body: bytes) -> None:
    assert exact(encode(decode(body))) == exact(body)


def test_every_synthea_patient_is_valid_and_every_r4_organization_is_refused() -> None:
    verdicts: dict[tuple[str, bool], int] = {}
    for line in need(DATA / "synthea" / "synthea-r4.ndjson").read_bytes().splitlines():
        resource = decode(line)
        assert exact(encode(resource)) == exact(line)
        verdict = (resource["resourceType"], not errors(resource))
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    assert verdicts == {("Organization", False): 835, ("Patient", True): 1144}


def accepted(body: bytes) -> bool:
    try:
        return not errors(decode(body))
    except FhirError:
        return False


def test_the_official_validator_agrees_but_where_it_is_said() -> None:
    cases = json.loads(need(DATA / "r5" / "test-suites" / "validator-cases.json").read_text())
    different = {
        case["name"]
        for case in cases
        if accepted((case["raw"] or json.dumps(case["resource"])).encode()) == bool(case["errors"])
    }
    assert different == set(DIFFERENT)
    assert len(cases) == 39
