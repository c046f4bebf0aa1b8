"""From a match score to a MatchGrade: the probability proposes, the model's caps only lower.

The caps look at the comparisons of the linkage model, whichever engine scored: what the score doesn't say
of them is compared here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from fhir_mpi.linkage.engine import MatchScore
from fhir_mpi.linkage.fellegi_sunter import compiled
from fhir_mpi.linkage.model import Cap, LinkageModel, MatchGrade, Thresholds
from fhir_mpi.linkage.record import Record

_BELOW: Final = 0.0001
"""How far under the next grade's threshold a lowered score stays: visible in four decimals."""

_BY_RANK: Final = attrgetter("rank")


@dataclass(frozen=True, slots=True)
class Grading:
    """A grade, the score to report with it (0 to 1, within the grade's band), the guards that lowered it."""

    grade: MatchGrade
    score: float
    guards: tuple[str, ...]


class Grader:
    """Grades the scores of one model."""

    def __init__(self, model: LinkageModel) -> None:
        self._thresholds, self._caps = model.thresholds, model.caps
        named = {name for cap in model.caps for name in (*cap.when, *cap.unless)}
        comparisons = [comparison for comparison in model.comparisons if comparison.name in named]
        self._compares = {c.name: compiled(c, model) for c in comparisons}
        self._levels = {c.name: frozenset(level.label for level in c.levels) for c in comparisons}

    def grading(self, score: MatchScore, record: Record, candidate: Record) -> Grading:
        """Scores sort as grades do: no possible match is reported above a certain one.

        `guards` names every cap that is below what the probability proposed, in the model's order.
        """
        if score.verdict is not None:
            return Grading(score.verdict.grade, score.verdict.score, ())
        proposed = grade_of(score.probability, self._thresholds)
        if proposed is MatchGrade.CERTAINLY_NOT:
            return Grading(proposed, _reported(score.probability, proposed, self._thresholds), ())
        levels = self._witnessed(score, record, candidate)
        guards = [c for c in self._caps if c.at_most.rank > proposed.rank and _applies(c, levels)]
        grade = max([proposed, *[c.at_most for c in guards]], key=_BY_RANK)
        return Grading(
            grade, _reported(score.probability, grade, self._thresholds), tuple(c.guard for c in guards)
        )

    def _witnessed(self, score: MatchScore, record: Record, candidate: Record) -> Mapping[str, str]:
        """The level of each comparison that a cap names: as the engine found it, or compared now."""
        known = {outcome.comparison: outcome.level for outcome in score.outcomes}
        for name, levels in self._levels.items():
            if known.get(name) not in levels:
                known[name] = self._compares[name](record, candidate).level
        return known


def grade_of(probability: float, thresholds: Thresholds) -> MatchGrade:
    """The grade of a probability alone.

    >>> grade_of(0.95, Thresholds(certain=0.99, probable=0.9, possible=0.5)).value
    'probable'
    """
    if probability >= thresholds.certain:
        return MatchGrade.CERTAIN
    if probability >= thresholds.probable:
        return MatchGrade.PROBABLE
    return MatchGrade.POSSIBLE if probability >= thresholds.possible else MatchGrade.CERTAINLY_NOT


def _applies(cap: Cap, levels: Mapping[str, str]) -> bool:
    for name, wanted in cap.when.items():
        if levels.get(name) not in wanted:
            return False
    return not _waived(cap, levels)


def _waived(cap: Cap, levels: Mapping[str, str]) -> bool:
    for name, waiving in cap.unless.items():  # noqa: SIM110 - a generator would double the time
        if levels.get(name) in waiving:
            return True
    return False


def _reported(probability: float, grade: MatchGrade, thresholds: Thresholds) -> float:
    if grade is MatchGrade.CERTAIN:
        return probability
    if grade is MatchGrade.PROBABLE:
        above = thresholds.certain
    else:
        above = thresholds.probable if grade is MatchGrade.POSSIBLE else thresholds.possible
    return min(probability, above - _BELOW)
