"""What training found, as sections of a report."""

from collections import Counter
from collections.abc import Sequence
from math import floor
from typing import Final

from fhir_mpi.batch.reports.charts import Line, bars, curves, histogram
from fhir_mpi.batch.reports.page import Section, Table
from fhir_mpi.batch.training.training import Trained
from fhir_mpi.linkage.fellegi_sunter import probability
from fhir_mpi.linkage.weights import Comparison

STEP: Final = 2.0
"""Bits of a bar of the histogram."""


def training_sections(trained: Trained) -> Sequence[Section]:
    model = trained.model
    facts = "\n".join(model.provenance)
    return [
        Section("Where it comes from", "\n".join([*trained.warnings, facts])),
        *[_comparison(comparison) for comparison in model.comparisons],
        _weights(trained),
        _unlinkable(trained),
        _blocking(trained),
    ]


def steps_of(weights: Sequence[float], step: float = STEP) -> Sequence[tuple[float, int]]:
    """How many weights are in each step, by its lower end.

    >>> steps_of([-1.0, 0.5, 1.0])
    [(-2.0, 1), (0.0, 2)]
    """
    return sorted(Counter(floor(weight / step) * step for weight in weights).items())


def _comparison(comparison: Comparison) -> Section:
    levels = [level for level in comparison.levels if not level.null]
    rows = [
        (level.label, f"{level.m:.6g}", f"{level.u:.6g}", f"{comparison.weight(level):+.2f}")
        for level in levels
    ]
    return Section(
        f"m and u: {comparison.name}",
        charts=[
            bars([(level.label, (level.m, level.u)) for level in levels], ("m", "u")),
            bars([(level.label, (comparison.weight(level),)) for level in levels], ("weight, bits",)),
        ],
        table=Table(("level", "m", "u", "weight, bits"), rows),
    )


def _weights(trained: Trained) -> Section:
    return Section(
        "Match weights",
        f"{len(trained.weights):,} pairs that share a blocking key, at a prior of 1 in {trained.records:,}."
        " Two hills with a valley between them are a model that can tell people apart.",
        [histogram(steps_of(trained.weights), STEP, "match weight, bits")],
    )


def _unlinkable(trained: Trained) -> Section:
    """The share of records that stay below a probability even when compared with themselves."""
    own = sorted(probability(weight) for weight in trained.own_weights)
    shares = [(p / 100, sum(value < p / 100 for value in own) / max(len(own), 1)) for p in range(0, 101, 2)]
    grades = trained.model.thresholds
    rows = [
        (name, f"{threshold:g}", f"{sum(value < threshold for value in own) / max(len(own), 1):.4f}")
        for name, threshold in (("certain", grades.certain), ("probable", grades.probable))
    ]
    return Section(
        "Unlinkable records",
        f"{len(own):,} records compared with themselves: who holds too little can't reach a grade at all.",
        [curves([Line("share of records below", shares)], "probability", square=True)],
        Table(("grade", "probability", "share that can't reach it"), rows),
    )


def _blocking(trained: Trained) -> Section:
    rows = [(r.rule, r.shared, r.pairs, r.over_cap, r.pairs_left_out) for r in trained.rules]
    return Section(
        "Blocking",
        f"A key that more than {trained.model.cap} records share is left out.",
        table=Table(("rule", "shared keys", "pairs", "keys over the cap", "pairs left out"), rows),
    )
