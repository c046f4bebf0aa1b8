"""Deterministic linkage: named rules in their order, of which the first that holds decides.

A rule looks at the levels that the model's comparisons reach, and weighs nothing: a pair has the
probability in the middle of its grade's band. What no rule takes is no match.
"""

from collections.abc import Mapping, Sequence
from math import log2
from typing import Final

from fhir_mpi.linkage.engine import ComparisonOutcome, MatchScore
from fhir_mpi.linkage.fellegi_sunter import compiled
from fhir_mpi.linkage.model import InvalidModel, LinkageModel, MatchGrade, Rule, Thresholds
from fhir_mpi.linkage.record import Record

RULE: Final = "rule"
"""The outcome that says which rule decided; the comparisons' own weigh nothing."""
NO_RULE: Final = "none"


class Deterministic:
    """Scores pairs by the `rules` of a model; InvalidModel where it has none.

    >>> from fhir_mpi.linkage.model import default_model
    >>> engine = Deterministic(default_model("Patient"))
    >>> jane = Record("1", identifier=("urn:mrn|7",), given=("jane",), birth_date=("1980-01-02",))
    >>> [score] = engine.score(jane, [jane], population=1_000_000)
    >>> score.outcomes[0].level, score.probability
    ('identifier', 0.995)
    """

    name = "deterministic"

    def __init__(self, model: LinkageModel) -> None:
        if not model.rules:
            raise InvalidModel(["$.rules: the engine deterministic wants rules"])
        self._rules = model.rules
        self._compares = [compiled(comparison, model) for comparison in model.comparisons]
        self._scores = {grade: _midpoint(grade, model.thresholds) for grade in MatchGrade}

    def score(
        self, record: Record, candidates: Sequence[Record], /, *, population: int
    ) -> Sequence[MatchScore]:
        """One score per candidate, in their order, whatever the population."""
        return [self._score(record, candidate) for candidate in candidates]

    def _score(self, record: Record, candidate: Record) -> MatchScore:
        compared = [compare(record, candidate) for compare in self._compares]
        levels = {outcome.comparison: outcome.level for outcome in compared}
        rule = next((rule for rule in self._rules if _holds(rule, levels)), None)
        probability = self._scores[rule.grade if rule else MatchGrade.CERTAINLY_NOT]
        weight = log2(probability / (1 - probability))
        decided = ComparisonOutcome(RULE, rule.name if rule else NO_RULE, weight)
        told = [ComparisonOutcome(outcome.comparison, outcome.level, 0.0) for outcome in compared]
        return MatchScore(weight, probability, (decided, *told))


def _holds(rule: Rule, levels: Mapping[str, str]) -> bool:
    """Every `when`, one of `one_of` where there is any, and no `unless`."""
    return (
        all(levels[name] in wanted for name, wanted in rule.when.items())
        and (not rule.one_of or any(levels[name] in wanted for name, wanted in rule.one_of.items()))
        and not any(levels[name] in wanted for name, wanted in rule.unless.items())
    )


def _midpoint(grade: MatchGrade, thresholds: Thresholds) -> float:
    bounds = (1.0, thresholds.certain, thresholds.probable, thresholds.possible, 0.0)
    return (bounds[grade.rank] + bounds[grade.rank + 1]) / 2
