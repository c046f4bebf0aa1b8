"""What an evaluation found: as JSON, and as sections of a report."""

from collections.abc import Sequence
from typing import Final

from fhir_mpi.batch.judging.judging import Verdict
from fhir_mpi.batch.judging.metrics import (
    GRADES,
    Point,
    at_grade,
    best,
    calibration,
    confusion,
    curve,
    worst,
)
from fhir_mpi.batch.reports.charts import Line, curves, waterfall
from fhir_mpi.batch.reports.page import Section, Table
from fhir_mpi.fhir.types import Json
from fhir_mpi.linkage.model import MatchGrade

MOST_ERRORS: Final = 20
MOST_POINTS: Final = 400


def evaluation_json(verdicts: Sequence[Verdict], model: str, errors: int = MOST_ERRORS) -> Json:
    """Every figure of the evaluation; weights in bits."""
    points = curve(verdicts)
    top = best(points)
    return {
        "model": model,
        "pairs": {"same": sum(v.same for v in verdicts), "different": sum(not v.same for v in verdicts)},
        "notCompared": sum(v.same and not v.compared for v in verdicts),
        "grades": {str(grade): at_grade(verdicts, grade).as_json() for grade in GRADES},
        "confusion": confusion(verdicts),
        "best": {"weight": top.weight, **top.quality.as_json()} if top else None,
        "curve": [
            {
                "weight": round(p.weight, 4),
                "precision": round(p.quality.precision, 6),
                "recall": round(p.quality.recall, 6),
                "falsePositiveRate": round(p.false_positive_rate, 6),
            }
            for p in _thinned(points)
        ],
        "calibration": [
            {"said": round(said, 6), "true": round(true, 6), "pairs": pairs}
            for said, true, pairs in calibration(verdicts)
        ],
        "errors": [_error(verdict) for verdict in worst(verdicts, errors)],
    }


def evaluation_sections(verdicts: Sequence[Verdict], errors: int = MOST_ERRORS) -> Sequence[Section]:
    points = _thinned(curve(verdicts))
    return [
        _grades(verdicts),
        Section(
            "Precision and recall",
            "Whatever the guards say: from a weight on, every pair is taken for one person.",
            [
                curves(
                    [
                        Line(
                            "precision over recall", [(p.quality.recall, p.quality.precision) for p in points]
                        )
                    ],
                    "recall",
                    square=True,
                ),
                curves(
                    [
                        Line(
                            "recall over false positive rate",
                            [(p.false_positive_rate, p.quality.recall) for p in points],
                        )
                    ],
                    "false positive rate, of the labelled pairs of two people",
                ),
            ],
        ),
        _calibration(verdicts),
        *[_waterfall(verdict) for verdict in worst(verdicts, errors)],
    ]


def _grades(verdicts: Sequence[Verdict]) -> Section:
    rows = [(f"{grade} or better", *_figures(verdicts, grade)) for grade in GRADES]
    said = ", ".join(
        f"{grade}: {counts['same']} same and {counts['different']} different"
        for grade, counts in confusion(verdicts).items()
    )
    return Section(
        "By grade",
        f"Pairs that are one person and pairs that are two, by what was said of them. {said}.",
        table=Table(("taken for one person", "right", "wrong", "missed", "precision", "recall", "F1"), rows),
    )


def _figures(verdicts: Sequence[Verdict], grade: MatchGrade) -> Sequence[object]:
    q = at_grade(verdicts, grade)
    return q.right, q.wrong, q.missed, f"{q.precision:.4f}", f"{q.recall:.4f}", f"{q.f1:.4f}"


def _calibration(verdicts: Sequence[Verdict]) -> Section:
    rows = calibration(verdicts)
    lines = [Line("share that is one person", [(said, true) for said, true, _ in rows])]
    if rows:
        lines.append(Line("as it should be", [(0.0, 0.0), (1.0, 1.0)]))
    return Section(
        "Calibration",
        "Of the pairs of about one probability, that share should be one person.",
        [curves(lines, "probability", square=True)],
        Table(
            ("probability", "share that is one person", "pairs"),
            [(f"{said:.3f}", f"{true:.3f}", pairs) for said, true, pairs in rows],
        ),
    )


def _waterfall(verdict: Verdict) -> Section:
    what = "one person, taken for two" if verdict.same else f"two people, {verdict.grade}"
    if not verdict.compared:
        return Section(f"{verdict.one} and {verdict.other}: {what}", "No blocking key brought them together.")
    guards = f"; lowered by {', '.join(verdict.guards)}" if verdict.guards else ""
    return Section(
        f"{verdict.one} and {verdict.other}: {what}",
        f"{verdict.weight:+.2f} bits, probability {verdict.probability:.6f}, graded {verdict.grade}{guards}",
        [waterfall([(f"{o.comparison}: {o.level}", o.weight) for o in verdict.outcomes])],
    )


def _error(verdict: Verdict) -> Json:
    found: Json = {
        "one": verdict.one,
        "other": verdict.other,
        "same": verdict.same,
        "compared": verdict.compared,
        "grade": str(verdict.grade),
    }
    if not verdict.compared:
        return found
    return found | {
        "weight": round(verdict.weight, 4),
        "probability": verdict.probability,
        "guards": list(verdict.guards),
        "outcomes": [
            {"comparison": o.comparison, "level": o.level, "weight": round(o.weight, 4)}
            for o in verdict.outcomes
        ],
    }


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """So many of them that a chart needs, the last among them."""
    if len(points) <= MOST_POINTS:
        return points
    step = len(points) / MOST_POINTS
    return [points[int(n * step)] for n in range(MOST_POINTS)] + [points[-1]]
