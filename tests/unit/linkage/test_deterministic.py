"""Rules in their order: the first that holds decides, and nothing is weighed."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_mpi.linkage.deterministic import Deterministic
from fhir_mpi.linkage.engine import ScoringEngine
from fhir_mpi.linkage.grades import Grader
from fhir_mpi.linkage.model import InvalidModel, LinkageModel, MatchGrade, Rule, default_model, load_model
from fhir_mpi.linkage.record import Record
from fhir_mpi.testing import ScoringEngineContract
from tests.unit.linkage.test_model import SMALL

MODEL = default_model("Patient")
ANN = Record(
    "ann",
    family=("berg",),
    given=("ann",),
    birth_date=("1980-05-06",),
    phone=("2015550188",),
    address=("12 foxglove rd",),
    postal_code=("18503",),
    identifier=("urn:mrn|4711",),
)


class TestDeterministic(ScoringEngineContract):
    def make(self, model: LinkageModel) -> ScoringEngine:
        return Deterministic(model)


class TestDeterministicOnOrganizations(TestDeterministic):
    resource_type = "Organization"


def decided(**changes: Any) -> tuple[str, str, str]:
    """The rule that decides on Ann and a changed Ann, and the grades before and after guards."""
    values: dict[str, Any] = {name: tuple(value) for name, value in changes.items()}
    other = ANN._replace(**values)
    (score,) = Deterministic(MODEL).score(ANN, [other], population=1_000_000)
    proposed = Deterministic(replace(MODEL, caps=())).score(ANN, [other], population=1)[0]
    before = Grader(replace(MODEL, caps=())).grading(proposed, ANN, other).grade
    return score.outcomes[0].level, str(before), str(Grader(MODEL).grading(score, ANN, other).grade)


UNKNOWN: dict[str, Any] = {"identifier": [], "phone": [], "address": [], "postal_code": []}
CONTACT = "name, birth date, and phone, email or address"
NEARLY = "nearly the same name and birth date, and phone, email or address"


@pytest.mark.parametrize(
    ("changes", "rule", "grade"),
    [
        ({}, "identifier", "certain"),
        ({"given": ["bo"]}, "identifier, and another name or birth date", "possible"),
        ({"birth_date": ["1944-01-30"]}, "identifier, and another name or birth date", "possible"),
        ({"identifier": []}, CONTACT, "certain"),
        ({"identifier": [], "family": ["lind"]}, "another family name", "probable"),
        ({"identifier": [], "birth_date": ["1980-06-05"]}, NEARLY, "probable"),
        (UNKNOWN | {"postal_code": ["18503"]}, "name, birth date and postal code", "probable"),
        (UNKNOWN, "name and birth date", "possible"),
        (UNKNOWN | {"birth_date": ["1944-01-30"]}, "none", "certainly-not"),
        ({"identifier": [], "given": ["bo"]}, "none", "certainly-not"),
    ],
)  # fmt: skip
def test_the_rules_of_the_default_model(changes: dict[str, Any], rule: str, grade: str) -> None:
    assert decided(**changes)[:2] == (rule, grade)


def test_guards_lower_what_a_rule_says() -> None:
    assert decided(identifier=["urn:mrn|9999"]) == (CONTACT, "certain", "possible")


def test_the_first_rule_that_holds_decides() -> None:
    always = Rule("always", MatchGrade.POSSIBLE, when={}, one_of={"family": frozenset({"exact"})}, unless={})
    never = Rule("no", MatchGrade.CERTAIN, when={}, one_of={}, unless={"family": frozenset({"exact"})})
    model = replace(MODEL, rules=(never, always, replace(always, name="later")))
    (score,) = Deterministic(model).score(ANN, [ANN], population=1)
    assert score.outcomes[0].level == "always"
    assert score.probability == pytest.approx(0.7)


def test_the_comparisons_are_told_and_weigh_nothing() -> None:
    (score,) = Deterministic(MODEL).score(ANN, [ANN], population=1)
    assert {o.comparison for o in score.outcomes[1:]} == {c.name for c in MODEL.comparisons}
    assert {o.weight for o in score.outcomes[1:]} == {0.0}


def test_a_model_without_rules_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"\$\.rules"):
        Deterministic(replace(MODEL, rules=()))


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"name": "x", "grade": "certain", "when": {"family": ["exactly"]}}, r"\$\.rules\[0\]\.when\.family"),
        ({"name": "x", "grade": "certain", "oneOf": {"shoe": ["exact"]}}, r"\$\.rules\[0\]\.oneOf\.shoe"),
        ({"name": "x", "grade": "sure", "when": {"family": ["exact"]}}, r"\$\.rules\[0\]\.grade"),
        ({"name": "x", "grade": "certain", "unless": {"family": ["exact"]}}, r"\$\.rules\[0\]"),
        ({"grade": "certain", "when": {"family": ["exact"]}}, r"\$\.rules\[0\].*name"),
    ],
)
def test_a_faulty_rule_is_named(rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidModel, match=problem):
        load_model({**SMALL, "rules": [rule]})
