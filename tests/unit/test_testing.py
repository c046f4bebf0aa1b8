"""The contract of scoring engines: the built-in one keeps it, and each way to break it is found out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from fhir_mpi.linkage.engine import ComparisonOutcome, MatchScore, ScoringEngine
from fhir_mpi.linkage.fellegi_sunter import FellegiSunter
from fhir_mpi.linkage.model import LinkageModel
from fhir_mpi.linkage.record import Record
from fhir_mpi.testing import ScoringEngineContract


class TestFellegiSunter(ScoringEngineContract):
    def make(self, model: LinkageModel) -> ScoringEngine:
        return FellegiSunter(model)


class TestFellegiSunterOnOrganizations(TestFellegiSunter):
    resource_type = "Organization"


class Unnamed(FellegiSunter):
    name = ""


class Backwards(FellegiSunter):
    def score(self, record: Record, candidates: Sequence[Record], /, *, population: int) -> Any:
        return [*super().score(record, candidates, population=population)][::-1]


class Generous(FellegiSunter):
    def score(self, record: Record, candidates: Sequence[Record], /, *, population: int) -> Any:
        return super().score(record, candidates or [record], population=population)


class Forgetful(FellegiSunter):
    asked = 0

    def score(self, record: Record, candidates: Sequence[Record], /, *, population: int) -> Any:
        Forgetful.asked += 1
        return super().score(record, candidates, population=population + 10**6 * Forgetful.asked)


class Changed(FellegiSunter):
    """Changes what each score says by `change`."""

    def score(self, record: Record, candidates: Sequence[Record], /, *, population: int) -> Any:
        found = super().score(record, candidates, population=population)
        return [self.change(record, c, s) for c, s in zip(candidates, found, strict=True)]

    def change(self, record: Record, candidate: Record, score: MatchScore) -> MatchScore:
        raise NotImplementedError


class Hiding(Changed):
    def change(self, record: Record, candidate: Record, score: MatchScore) -> MatchScore:
        return replace(score, weight=score.weight + 1)


class Sure(Changed):
    def change(self, record: Record, candidate: Record, score: MatchScore) -> MatchScore:
        return replace(score, probability=1 - score.probability)


def _added(score: MatchScore, weight: float) -> MatchScore:
    more = ComparisonOutcome("phone", "told", weight)
    return replace(score, weight=score.weight + weight, outcomes=(*score.outcomes, more))


class Suspicious(Changed):
    def change(self, record: Record, candidate: Record, score: MatchScore) -> MatchScore:
        return _added(score, -20.0 if candidate.phone and not record.phone else 0.0)


class Lopsided(Changed):
    def change(self, record: Record, candidate: Record, score: MatchScore) -> MatchScore:
        return _added(score, 0.5 if record.family < candidate.family else 0.0)


def broken_by(engine: type[FellegiSunter]) -> set[str]:
    """The tests of the contract that the engine fails."""

    class Contract(ScoringEngineContract):
        def make(self, model: LinkageModel) -> ScoringEngine:
            return engine(model)

    failed = set()
    for test in (name for name in dir(Contract) if name.startswith("test_")):
        try:
            getattr(Contract(), test)()
        except AssertionError:
            failed.add(test)
    return failed


@pytest.mark.parametrize(
    ("engine", "test"),
    [
        (Unnamed, "it_has_a_name"),
        (Backwards, "every_candidate_has_its_score_in_its_place_whoever_else_is_there"),
        (Generous, "without_candidates_there_are_no_scores"),
        (Forgetful, "the_same_question_has_the_same_answer"),
        (Hiding, "the_weight_is_the_sum_of_its_working"),
        (Sure, "a_probability_lies_between_0_and_1_and_rises_with_the_weight"),
        (Suspicious, "what_is_missing_is_no_evidence"),
        (Lopsided, "a_pair_scores_the_same_both_ways_where_that_is_claimed"),
    ],
)
def test_an_engine_that_breaks_the_contract_is_found_out(engine: type[FellegiSunter], test: str) -> None:
    assert f"test_{test}" in broken_by(engine)


def test_who_claims_no_symmetry_is_not_held_to_it() -> None:
    class OneWay(ScoringEngineContract):
        symmetric = False

        def make(self, model: LinkageModel) -> ScoringEngine:
            return Lopsided(model)

    OneWay().test_a_pair_scores_the_same_both_ways_where_that_is_claimed()
