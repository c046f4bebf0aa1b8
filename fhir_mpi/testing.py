"""The contract of a scoring engine as tests, for whoever writes one.

Subclass it in a test module, make the engine, and run pytest:

    class TestAgreement(ScoringEngineContract):
        def make(self, model: LinkageModel) -> ScoringEngine:
            return Agreement(model)
"""

import random
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations, pairwise
from typing import ClassVar, Final

from fhir_mpi.demo.corruption import probe
from fhir_mpi.demo.name_shares import demo_names
from fhir_mpi.demo.population import people
from fhir_mpi.linkage.engine import MatchScore, ScoringEngine
from fhir_mpi.linkage.model import LinkageModel, default_model
from fhir_mpi.linkage.record import Record

SEED: Final = 20261123
PEOPLE: Final = 12
BITS: Final = 1e-9
"""How far two weights may lie apart and still be the same."""


class ScoringEngineContract:
    """What every engine keeps, whatever it thinks of a pair.

    `symmetric` says whether the engine claims that a
    record scores against another as that one against it.
    """

    resource_type: ClassVar[str] = "Patient"
    symmetric: ClassVar[bool] = True
    population: ClassVar[int] = 100_000

    def make(self, model: LinkageModel) -> ScoringEngine:
        """The engine, from its linkage model."""
        raise NotImplementedError

    @cached_property
    def model(self) -> LinkageModel:
        """The model that the engine is made from."""
        return default_model(self.resource_type)

    @cached_property
    def records(self) -> Sequence[Record]:
        """Invented people, their relatives, the same people misspelt, and one of whom nothing is known."""
        names, rng = demo_names(), random.Random(SEED)  # noqa: S311 - nothing secret is drawn
        drawn = list(people(PEOPLE, seed=SEED, names=names))
        again = [probe(person, rng, names).patient() for person in drawn]
        known = [self.model.record(patient) for patient in (*(p.patient() for p in drawn), *again)]
        return [*known, Record("unknown")]

    @cached_property
    def engine(self) -> ScoringEngine:
        return self.make(self.model)

    def test_it_has_a_name(self) -> None:
        _hold(bool(self.engine.name), "an engine has a name")

    def test_without_candidates_there_are_no_scores(self) -> None:
        _hold(list(self._scores(self.records[0], [])) == [], "no candidates, no scores")

    def test_every_candidate_has_its_score_in_its_place_whoever_else_is_there(self) -> None:
        for record in self.records:
            together = list(self._scores(record, self.records))
            alone = [self._score(record, candidate) for candidate in self.records]
            _hold(together == alone, f"record {record.id}: the scores of a batch are those of its pairs")

    def test_the_same_question_has_the_same_answer(self) -> None:
        other = self.make(self.model)
        for record in self.records:
            first = list(self._scores(record, self.records))
            again = list(other.score(record, self.records, population=self.population))
            _hold(first == again, f"record {record.id}: an engine keeps no state and draws no numbers")

    def test_the_weight_is_the_sum_of_its_working(self) -> None:
        for score in self._all():
            total = sum(outcome.weight for outcome in score.outcomes)
            _hold(abs(total - score.weight) <= BITS, f"weight {score.weight}, the outcomes add up to {total}")

    def test_a_probability_lies_between_0_and_1_and_rises_with_the_weight(self) -> None:
        ordered = sorted(self._all(), key=lambda score: score.weight)
        for lower, higher in pairwise(ordered):
            _hold(0 <= lower.probability <= 1, f"{lower.probability} is no probability")
            _hold(lower.probability <= higher.probability, "more weight makes no lower probability")

    def test_what_is_missing_is_no_evidence(self) -> None:
        for feature in Record._fields[1:]:
            for record in self.records[:PEOPLE]:
                without = _without(record, feature)
                for candidate in self.records:
                    told = self._score(without, candidate).weight
                    untold = self._score(without, _without(candidate, feature)).weight
                    _hold(
                        abs(told - untold) <= BITS,
                        f"{feature} of {candidate.id} counts although {record.id} has none",
                    )

    def test_a_pair_scores_the_same_both_ways_where_that_is_claimed(self) -> None:
        for one, other in combinations(self.records, 2) if self.symmetric else ():
            there, back = self._score(one, other).weight, self._score(other, one).weight
            _hold(abs(there - back) <= BITS, f"{one.id} and {other.id}: {there} one way, {back} the other")

    def _score(self, record: Record, candidate: Record) -> MatchScore:
        (found,) = self._scores(record, [candidate])
        return found

    def _scores(self, record: Record, candidates: Sequence[Record]) -> Sequence[MatchScore]:
        return self.engine.score(record, candidates, population=self.population)

    def _all(self) -> list[MatchScore]:
        return [score for record in self.records for score in self._scores(record, self.records)]


def _without(record: Record, feature: str) -> Record:
    return Record._make(() if name == feature else value for name, value in record._asdict().items())


def _hold(kept: bool, text: str) -> None:
    if not kept:
        raise AssertionError(text)
