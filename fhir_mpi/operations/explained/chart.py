"""The waterfall of a match as a drawing: where each bar, line and text stands, in pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, floor, inf, log2
from typing import Final

from fhir_mpi.linkage.engine import ComparisonOutcome
from fhir_mpi.linkage.model import Thresholds

ROW: Final = 28
TOP: Final = 46
LEFT: Final = 300
"""Where the bars begin: the names of comparisons and levels stand before them."""
PLOT: Final = 520
RIGHT: Final = 80
LEAST: Final = 2.0
"""Pixels of a bar: however little it is, one sees it."""
SHARED_LABEL: Final = 44
"""Pixels that two labels of lines need between them."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One comparison: its bar from `x` on, its row at `y`, the link to the next bar at `end`."""

    comparison: str
    level: str
    bits: str
    sum: str
    kind: str
    x: float
    width: float
    y: int
    end: float


@dataclass(frozen=True, slots=True)
class Line:
    """A grade's threshold, or the zero; a label that would hide another stands in the second row."""

    label: str
    kind: str
    x: float
    row: int


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    bars: Sequence[Bar]
    lines: Sequence[Line]


def chart(outcomes: Sequence[ComparisonOutcome], thresholds: Thresholds) -> Chart:
    """Each bar begins where the sum of those before it ended; thresholds are lines on the same scale."""
    sums = list(accumulate((outcome.weight for outcome in outcomes), initial=0.0))
    marks = _marks(thresholds)
    low = floor(min(*sums, *marks.values())) - 1
    high = ceil(max(*sums, *marks.values())) + 1
    scale = PLOT / (high - low)

    def at(bits: float) -> float:
        return round(LEFT + (bits - low) * scale, 1)

    bars = [_bar(o, at(sums[n]), at(sums[n + 1]), sums[n + 1], n) for n, o in enumerate(outcomes)]
    return Chart(LEFT + PLOT + RIGHT, TOP + ROW * len(bars) + 8, bars, _lines(marks, at))


def _marks(thresholds: Thresholds) -> dict[str, float]:
    """Bits at which each grade begins."""
    named = {"possible": thresholds.possible, "probable": thresholds.probable, "certain": thresholds.certain}
    return {name: bits for name, p in named.items() if abs(bits := _bits(p)) < inf}


def _bits(probability: float) -> float:
    """
    >>> _bits(0.5), _bits(1.0)
    (0.0, inf)
    """
    return inf if probability >= 1 else -inf if probability <= 0 else log2(probability / (1 - probability))


def _bar(outcome: ComparisonOutcome, start: float, end: float, total: float, row: int) -> Bar:
    width = max(abs(end - start), LEAST if outcome.weight else 0.0)
    return Bar(
        comparison=outcome.comparison,
        level=outcome.level,
        bits=f"{outcome.weight:+.2f}",
        sum=f"{total:+.2f}",
        kind="for" if outcome.weight > 0 else "against" if outcome.weight < 0 else "none",
        x=min(start, end),
        width=round(width, 1),
        y=TOP + ROW * row,
        end=end,
    )


def _lines(marks: dict[str, float], at: Callable[[float], float]) -> list[Line]:
    lines: list[Line] = []
    for name, bits in sorted(marks.items(), key=lambda mark: mark[1]):
        crowded = bool(lines) and lines[-1].row == 0 and at(bits) - lines[-1].x < SHARED_LABEL
        lines.append(Line(name, name, at(bits), int(crowded)))
    return lines
