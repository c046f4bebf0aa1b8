"""Precision, recall and the like, of verdicts on labelled pairs. Pure arithmetic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import Final

from fhir_mpi.batch.judging.judging import Verdict
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.model import MatchGrade

BINS: Final = 10
GRADES: Final = (MatchGrade.CERTAIN, MatchGrade.PROBABLE, MatchGrade.POSSIBLE)


@dataclass(frozen=True, slots=True)
class Quality:
    """Right and wrong pairs that were said to be one person, and those that weren't but are."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """
        >>> Quality(9, 1, 3).precision, Quality(0, 0, 3).precision
        (0.9, 1.0)
        """
        said = self.right + self.wrong
        return self.right / said if said else 1.0

    @property
    def recall(self) -> float:
        there = self.right + self.missed
        return self.right / there if there else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def as_json(self) -> Json:
        figures = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        counts = {"right": self.right, "wrong": self.wrong, "missed": self.missed}
        return counts | {name: round(value, 6) for name, value in figures.items()}


@dataclass(frozen=True, slots=True)
class Point:
    """What comes of saying "one person" from this weight (bits) on."""

    weight: float
    quality: Quality
    false_positive_rate: float
    """Of the labelled pairs of two people; those that no key brought together count among them."""


def at_grade(verdicts: Sequence[Verdict], least: MatchGrade) -> Quality:
    """The quality where this grade and better ones are taken for one person."""
    return _quality(verdicts, lambda verdict: verdict.grade.rank <= least.rank)


def confusion(verdicts: Sequence[Verdict]) -> Mapping[str, Mapping[str, int]]:
    """Grade, or "not compared" -> how many are one person, and how many are two."""
    found = {name: {"same": 0, "different": 0} for name in (*map(str, MatchGrade), "not compared")}
    for verdict in verdicts:
        row = str(verdict.grade) if verdict.compared else "not compared"
        found[row]["same" if verdict.same else "different"] += 1
    return found


def curve(verdicts: Sequence[Verdict]) -> Sequence[Point]:
    """A point for each weight that occurs, the highest first."""
    same = sum(verdict.same for verdict in verdicts)
    different = max(len(verdicts) - same, 1)
    points, right, wrong = [], 0, 0
    ordered = sorted(
        (verdict for verdict in verdicts if verdict.weight > -inf), key=lambda verdict: -verdict.weight
    )
    for weight, equal in groupby(ordered, key=lambda verdict: verdict.weight):
        for verdict in equal:
            right, wrong = right + verdict.same, wrong + (not verdict.same)
        points.append(Point(weight, Quality(right, wrong, same - right), wrong / different))
    return points


def best(points: Sequence[Point]) -> Point | None:
    """The point with the best F1."""
    return max(points, key=lambda point: point.quality.f1, default=None)


def calibration(verdicts: Sequence[Verdict]) -> Sequence[tuple[float, float, int]]:
    """By tenths of probability: what was said on average, the share that is one person, and how many."""
    bins: dict[int, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.compared:
            bins.setdefault(min(int(verdict.probability * BINS), BINS - 1), []).append(verdict)
    return [
        (sum(v.probability for v in each) / len(each), sum(v.same for v in each) / len(each), len(each))
        for _, each in sorted(bins.items())
    ]


def worst(verdicts: Sequence[Verdict], most: int) -> Sequence[Verdict]:
    """Two people taken for one, the surest first, then one taken for two, the least alike first."""
    wrong = [v for v in verdicts if not v.same and v.grade is not MatchGrade.CERTAINLY_NOT]
    missed = [v for v in verdicts if v.same and v.grade.rank > MatchGrade.PROBABLE.rank]
    return [
        *sorted(wrong, key=lambda v: (v.grade.rank, -v.weight, v.one, v.other))[:most],
        *sorted(missed, key=lambda v: (v.weight, v.one, v.other))[:most],
    ]


def _quality(verdicts: Sequence[Verdict], taken: Callable[[Verdict], bool]) -> Quality:
    said = [verdict.same for verdict in verdicts if taken(verdict)]
    right = sum(said)
    return Quality(right, len(said) - right, sum(verdict.same for verdict in verdicts) - right)
