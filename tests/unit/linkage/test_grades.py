"""Grades: the probability proposes, caps only lower, and the score goes along."""

import itertools

import pytest

from fhir_mpi.linkage.engine import ComparisonOutcome, MatchScore
from fhir_mpi.linkage.grades import Grader, Grading, grade_of
from fhir_mpi.linkage.model import MatchGrade, Thresholds, default_model
from fhir_mpi.linkage.record import Record

MODEL = default_model("Patient")
GOOD = {"given": "exact", "family": "exact", "birth-date": "exact", "address": "exact"}
AGREED = {**GOOD, "identifier": "exact"}


def _graded(levels: dict[str, str], probability: float = 0.9999) -> Grading:
    outcomes = tuple(ComparisonOutcome(name, level, 0.0) for name, level in levels.items())
    return Grader(MODEL).grading(MatchScore(0.0, probability, outcomes), Record("a"), Record("b"))


@pytest.mark.parametrize(
    ("probability", "grade"),
    [
        (1.0, "certain"),
        (0.99, "certain"),
        (0.989, "probable"),
        (0.9, "probable"),
        (0.5, "possible"),
        (0.49, "certainly-not"),
    ],
)
def test_the_probability_proposes(probability: float, grade: str) -> None:
    assert grade_of(probability, Thresholds(0.99, 0.9, 0.5)) == grade
    assert _graded(GOOD, probability).grade == grade


@pytest.mark.parametrize(
    ("changes", "grade", "guards"),
    [
        ({}, "certain", ()),
        ({"given": "nickname"}, "certain", ()),
        ({"given": "else"}, "possible", ("given-name-differs",)),
        ({"given": "distant"}, "possible", ("given-name-differs",)),
        ({"given": "missing"}, "probable", ("given-name-missing",)),
        ({"given": "missing", "gender": "else"}, "possible", ("gender-differs", "given-name-missing")),
        ({"gender": "else"}, "certain", ()),
        ({"birth-date": "one edit"}, "certain", ()),
        ({"birth-date": "same year"}, "possible", ("birth-date-differs",)),
        ({"birth-date": "missing"}, "probable", ("birth-date-missing",)),
        ({"birth-date": "partial"}, "probable", ("birth-date-missing",)),
        (
            {"birth-date": "missing", "address": "missing"},
            "possible",
            ("birth-date-missing", "name-alone", "uncorroborated"),
        ),
        ({"address": "else"}, "probable", ("uncorroborated",)),
        ({"address": "missing", "phone": "exact"}, "certain", ()),
        ({"address": "missing", "email": "exact"}, "certain", ()),
        ({"address": "missing", "postal-code": "exact"}, "certain", ()),
        (
            {"address": "else", "postal-code": "exact", "phone": "else"},
            "probable",
            ("corroborated-by-postal-code-alone",),
        ),
        ({"identifier": "else"}, "possible", ("identifier-conflict",)),
        ({"identifier": "mixed"}, "probable", ("identifiers-contradict",)),
        ({"generation": "else"}, "probable", ("generation-differs",)),
        ({"birth-order": "else"}, "probable", ("birth-order-differs",)),
        ({"given": "else", "generation": "else"}, "possible", ("generation-differs", "given-name-differs")),
    ],
)
def test_caps_lower_the_grade_and_say_so(
    changes: dict[str, str], grade: str, guards: tuple[str, ...]
) -> None:
    found = _graded(GOOD | changes)
    assert (found.grade, found.guards) == (grade, guards)


@pytest.mark.parametrize("changes", [{"given": "distant"}, {"birth-date": "same year"}, {"address": "else"}])
def test_an_agreeing_identifier_waives_the_caps_on_names_and_dates(changes: dict[str, str]) -> None:
    assert _graded(AGREED | changes).grade == "certain"


@pytest.mark.parametrize("changes", [{"given": "else"}, {"birth-date": "else"}])
def test_one_identifier_of_another_name_or_date_is_not_certain(changes: dict[str, str]) -> None:
    assert _graded(AGREED | changes).grade == "probable"


@pytest.mark.parametrize("changes", [{"generation": "else"}, {"birth-order": "else"}])
def test_no_identifier_makes_a_father_or_a_twin_certain(changes: dict[str, str]) -> None:
    assert _graded(AGREED | changes).grade == "probable"


def test_caps_never_raise() -> None:
    assert _graded(GOOD | {"generation": "else"}, 0.6) == Grading(MatchGrade.POSSIBLE, 0.6, ())
    assert _graded(GOOD | {"given": "else"}, 0.1) == Grading(MatchGrade.CERTAINLY_NOT, 0.1, ())


def test_a_lowered_score_stays_below_the_next_grade() -> None:
    assert _graded(GOOD | {"address": "else"}).score == pytest.approx(0.9899)
    assert _graded(GOOD | {"given": "else"}).score == pytest.approx(0.8999)


def test_scores_sort_as_grades_do() -> None:
    found = [
        _graded(GOOD | changes, probability)
        for changes, probability in itertools.product(
            ({}, {"given": "else"}, {"address": "else"}), (0.3, 0.5, 0.7, 0.89999, 0.9, 0.98999, 0.99, 1.0)
        )
    ]
    for better, worse in itertools.permutations(found, 2):
        if better.grade.rank < worse.grade.rank:
            assert round(better.score, 4) > round(worse.score, 4)
