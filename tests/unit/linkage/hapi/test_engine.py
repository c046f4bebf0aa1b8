"""The engine `hapi-rules`: HAPI's composite example, EIDs, and the contract of every engine."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import pytest

from fhir_mpi.linkage.engine import MatchScore, ScoringEngine
from fhir_mpi.linkage.grades import Grader
from fhir_mpi.linkage.hapi.engine import HapiRules
from fhir_mpi.linkage.hapi.rules import load_rules
from fhir_mpi.linkage.model import InvalidModel, LinkageModel, MatchGrade, default_model
from fhir_mpi.testing import ScoringEngineContract
from tests.unit.linkage.hapi.answers import knows

COMPOSITE: dict[str, Any] = {
    "version": "1",
    "mdmTypes": ["Patient", "Organization"],
    "candidateSearchParams": [
        {"resourceType": "Patient", "searchParams": ["given", "family"]},
        {"resourceType": "*", "searchParam": "identifier"},
    ],
    "candidateFilterSearchParams": [
        {"resourceType": "Patient", "searchParam": "active", "fixedValue": "true"}
    ],
    "matchFields": [
        {
            "name": "birthday",
            "resourceType": "Patient",
            "resourcePath": "birthDate",
            "matcher": {"algorithm": "STRING", "exact": True},
        },
        {
            "name": "lastname-jaro",
            "resourceType": "Patient",
            "resourcePath": "name.family",
            "similarity": {"algorithm": "JARO_WINKLER", "matchThreshold": 0.8, "exact": False},
        },
        {
            "name": "mrn",
            "resourceType": "Patient",
            "fhirPath": "identifier.where(type.coding.code='MR')",
            "matcher": {"algorithm": "IDENTIFIER", "identifierSystem": "http://x"},
        },
    ],
    "matchResultMap": {"birthday,lastname-jaro": "POSSIBLE_MATCH", "mrn": "MATCH"},
    "eidSystems": {"Patient": "http://company/patient-eid"},
}
MRN = {"type": {"coding": [{"code": "MR"}]}, "system": "http://x", "value": "7"}
EID = {"system": "http://company/patient-eid", "value": "E1"}


def model_of(document: Any = COMPOSITE) -> LinkageModel:
    rules = load_rules(document, knows)
    return replace(default_model("Patient"), mdm_rules=rules, columns=tuple(rules.columns_of("Patient")))


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", **elements}


def scored(left: dict[str, Any], right: dict[str, Any], document: Any = COMPOSITE) -> MatchScore:
    model = model_of(document)
    [found] = HapiRules(model).score(model.record(left), [model.record(right)], population=1)
    return found


def told(score: MatchScore) -> tuple[MatchGrade, float, list[tuple[str, str, float | None]]]:
    assert score.verdict is not None
    outcomes = [(o.comparison, o.level, o.value and round(o.value, 6)) for o in score.outcomes]
    return score.verdict.grade, round(score.verdict.score, 6), outcomes


SMITH = {"birthDate": "1970-01-02", "name": [{"family": "Smith"}]}


def test_two_fields_are_a_possible_match_as_the_rule_says() -> None:
    assert told(scored(patient(**SMITH), patient(birthDate="1970-01-02", name=[{"family": "Smyth"}]))) == (
        MatchGrade.POSSIBLE,
        0.631111,
        [
            ("rule", "birthday,lastname-jaro", None),
            ("birthday", "matched", 1.0),
            ("lastname-jaro", "matched", 0.893333),
            ("mrn", "not-matched", 0.0),
        ],
    )


def test_a_value_below_its_threshold_is_told_and_not_counted() -> None:
    assert told(scored(patient(**SMITH), patient(birthDate="1970-01-02", name=[{"family": "Sato"}]))) == (
        MatchGrade.CERTAINLY_NOT,
        0.333333,
        [
            ("rule", "none", None),
            ("birthday", "matched", 1.0),
            ("lastname-jaro", "not-matched", 0.633333),
            ("mrn", "not-matched", 0.0),
        ],
    )


def test_one_field_is_a_match_where_a_rule_says_so_however_low_the_score() -> None:
    grade, score, outcomes = told(scored(patient(identifier=[MRN]), patient(identifier=[MRN])))
    assert (grade, score, outcomes[0][1]) == (MatchGrade.CERTAIN, 0.333333, "mrn")


def test_an_EID_in_common_decides_alone() -> None:
    found = scored(patient(identifier=[EID], birthDate="1970"), patient(identifier=[EID, MRN]))
    assert told(found) == (MatchGrade.CERTAIN, 1.0, [("rule", "eid", None)])
    other = {"system": "http://other", "value": "E1"}
    assert told(scored(patient(identifier=[EID]), patient(identifier=[other])))[0] is MatchGrade.CERTAINLY_NOT


def test_without_match_fields_nothing_matches() -> None:
    document = {**COMPOSITE, "matchFields": [], "matchResultMap": {}}
    assert told(scored(patient(**SMITH), patient(**SMITH), document)) == (
        MatchGrade.CERTAINLY_NOT,
        0.0,
        [("rule", "none", None)],
    )


def test_no_guard_and_no_threshold_changes_the_verdict() -> None:
    model = model_of()
    twins = [patient(**SMITH, identifier=[MRN], multipleBirthInteger=n) for n in (1, 2)]
    one, other = map(model.record, twins)
    [score] = HapiRules(model).score(one, [other], population=1)
    grading = Grader(model).grading(score, one, other)
    assert (grading.grade, grading.score, grading.guards) == (MatchGrade.CERTAIN, 1.0, ())


def test_a_model_without_rules_is_refused() -> None:
    with pytest.raises(InvalidModel, match="HAPI-1521: Failed to load MDM Rules"):
        HapiRules(default_model("Patient"))


def test_rules_for_other_types_are_refused() -> None:
    rules = load_rules({**COMPOSITE, "mdmTypes": ["Practitioner"], "eidSystems": {}}, knows)
    with pytest.raises(InvalidModel, match="mdmTypes are Practitioner: not Patient"):
        HapiRules(replace(default_model("Patient"), mdm_rules=rules))


def test_what_the_rules_read_is_part_of_what_makes_an_index_stale() -> None:
    plain, model = default_model("Patient"), model_of()
    thresholds = [
        {**f, "similarity": {"algorithm": "COSINE", "matchThreshold": 0.5}} if "similarity" in f else f
        for f in COMPOSITE["matchFields"]
    ]
    paths = [{**COMPOSITE["matchFields"][0], "resourcePath": "gender"}, *COMPOSITE["matchFields"][1:]]
    assert plain.digest != model.digest
    assert model_of({**COMPOSITE, "matchFields": thresholds}).digest == model.digest
    assert model_of({**COMPOSITE, "matchFields": paths}).digest != model.digest


class TestContract(ScoringEngineContract):
    def make(self, model: LinkageModel) -> ScoringEngine:
        return HapiRules(model)

    @cached_property
    def model(self) -> LinkageModel:
        return model_of()
