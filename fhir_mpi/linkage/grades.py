"""From a match score to a MatchGrade: the probability proposes, the model's caps only lower."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from fhir_mpi.linkage.engine import MatchScore
from fhir_mpi.linkage.model import Cap, LinkageModel, MatchGrade, Thresholds

_BELOW: Final = 0.0001
"""How far under the next grade's threshold a lowered score stays: visible in four decimals."""

_BY_RANK: Final = attrgetter("rank")


@dataclass(frozen=True, slots=True)
class Grading:
    """A grade, the score to report with it (0 to 1, within the grade's band), the guards that lowered it."""

    grade: MatchGrade
    score: float
    guards: tuple[str, ...]


def graded(score: MatchScore, model: LinkageModel) -> Grading:
    """Scores sort as grades do: no possible match is reported above a certain one.

    `guards` names every cap that is below what the probability proposed, in the model's order.
    """
    proposed = grade_of(score.probability, model.thresholds)
    if proposed is MatchGrade.CERTAINLY_NOT:
        return Grading(proposed, _reported(score.probability, proposed, model.thresholds), ())
    levels = {outcome.comparison: outcome.level for outcome in score.outcomes}
    guards = [c for c in model.caps if c.at_most.rank > proposed.rank and _applies(c, levels)]
    grade = max([proposed, *[c.at_most for c in guards]], key=_BY_RANK)
    return Grading(
        grade, _reported(score.probability, grade, model.thresholds), tuple(c.guard for c in guards)
    )


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
