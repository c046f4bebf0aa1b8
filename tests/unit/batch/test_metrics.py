"""Figures of verdicts, against counts by hand."""

from math import inf

import pytest

from fhir_mpi.batch.judging.judging import Verdict
from fhir_mpi.batch.judging.metrics import at_grade, best, calibration, confusion, curve, worst
from fhir_mpi.batch.judging.report import evaluation_json, evaluation_sections
from fhir_mpi.linkage.engine import ComparisonOutcome
from fhir_mpi.linkage.fellegi_sunter import probability
from fhir_mpi.linkage.model import MatchGrade


def _verdict(name: str, same: bool, grade: str, weight: float) -> Verdict:
    outcomes = (ComparisonOutcome("prior", "1 in 2", weight),)
    found = next(each for each in MatchGrade if each.value == grade)
    compared = weight > -inf
    return Verdict(
        name, "x", same, found, weight, probability(weight), compared, outcomes if compared else ()
    )


VERDICTS = [
    _verdict("a", True, "certain", 20.0),
    _verdict("b", True, "certain", 10.0),
    _verdict("c", False, "probable", 9.0),
    _verdict("d", True, "possible", 1.0),
    _verdict("e", False, "certainly-not", -5.0),
    _verdict("f", True, "certainly-not", -inf),
]


def test_what_was_never_compared_is_missed() -> None:
    certain, possible = (at_grade(VERDICTS, grade) for grade in (MatchGrade.CERTAIN, MatchGrade.POSSIBLE))
    assert (certain.right, certain.wrong, certain.missed) == (2, 0, 2)
    assert (possible.right, possible.wrong, possible.missed) == (3, 1, 1)
    assert confusion(VERDICTS)["not compared"] == {"same": 1, "different": 0}
    assert confusion(VERDICTS)["certainly-not"] == {"same": 0, "different": 1}


def test_the_curve_goes_from_the_surest_down_and_the_best_point_is_found() -> None:
    points = curve(VERDICTS)
    assert [point.weight for point in points] == [20.0, 10.0, 9.0, 1.0, -5.0]
    assert [point.false_positive_rate for point in points] == [0, 0, 0.5, 0.5, 1]
    top = best(points)
    assert top is not None
    assert top.weight == 1.0
    assert top.quality.f1 == pytest.approx(0.75)
    assert best([]) is None


def test_calibration_counts_what_was_compared() -> None:
    assert sum(pairs for _, _, pairs in calibration(VERDICTS)) == 5
    assert calibration(VERDICTS)[0][1:] == (0.0, 1)


def test_the_worst_errors_come_first() -> None:
    assert [v.one for v in worst(VERDICTS, 5)] == ["c", "f", "d"]
    assert [v.one for v in worst(VERDICTS, 1)] == ["c", "f"]


def test_the_report_has_a_waterfall_for_each_error_that_has_a_working() -> None:
    sections = evaluation_sections(VERDICTS)
    assert [s.charts != () for s in sections if " and x" in s.title] == [True, False, True]
    found = evaluation_json(VERDICTS, "model")
    assert found["pairs"] == {"same": 4, "different": 2}
    assert [error["one"] for error in found["errors"]] == ["c", "f", "d"]
    assert found["grades"]["certain"]["recall"] == 0.5


def test_long_curves_are_thinned_and_keep_their_end() -> None:
    many = [_verdict(str(n), True, "certain", float(n)) for n in range(1000)]
    points = evaluation_json(many, "model")["curve"]
    assert len(points) <= 401
    assert points[-1]["recall"] == 1.0
