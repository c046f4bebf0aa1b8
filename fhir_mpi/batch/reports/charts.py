"""Charts as SVG text: bars, steps and lines, enough for a report that stands by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 240
MARGIN: Final = 44
ROW: Final = 18
LABEL: Final = 220
COLOURS: Final = ("#1f6f8b", "#d1495b", "#66a182", "#8d6a9f")


@dataclass(frozen=True, slots=True)
class Line:
    """Points from left to right, with a name for the legend."""

    name: str
    points: Sequence[tuple[float, float]]


def bars(rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str]) -> str:
    """A row of bars, one for each name, on one scale from 0 (or the least value) to the greatest.

    >>> bars([("exact", (0.9, 0.1))], ("m", "u")).count("<rect")
    4
    """
    values = [value for _, each in rows for value in each]
    low, high = min([0.0, *values]), max([0.0, *values])
    scale = (WIDTH - LABEL - 70) / ((high - low) or 1.0)
    thickness = (ROW - 4) / max(len(names), 1)
    drawn = []
    for n, (label, each) in enumerate(rows):
        top = 24 + n * ROW
        drawn.append(_text(LABEL - 8, top + 11, label, "end"))
        for k, value in enumerate(each):
            left, width = LABEL + (min(value, 0.0) - low) * scale, abs(value) * scale
            drawn.append(_rect(left, top + k * thickness, max(width, 0.5), thickness, COLOURS[k]))
        drawn.append(_text(WIDTH - 4, top + 11, " / ".join(f"{value:.3g}" for value in each), "end"))
    return _svg(24 + len(rows) * ROW, [*_legend(names), *drawn])


def histogram(counts: Sequence[tuple[float, int]], step: float, unit: str) -> str:
    """Bars over the left ends of steps of one width.

    >>> histogram([(0.0, 2), (1.0, 4)], 1.0, "bits").count("<rect")
    2
    """
    if not counts:
        return ""
    low, high = counts[0][0], counts[-1][0] + step
    most = max(count for _, count in counts)
    across, up = (WIDTH - 2 * MARGIN) / (high - low), (HEIGHT - 2 * MARGIN) / most
    drawn = [
        _rect(
            MARGIN + (start - low) * across,
            HEIGHT - MARGIN - count * up,
            max(step * across - 1, 1),
            count * up,
            COLOURS[0],
        )
        for start, count in counts
    ]
    return _svg(HEIGHT, [*_axes((low, high), (0, most), unit), *drawn])


def curves(lines: Sequence[Line], unit: str, *, square: bool = False) -> str:
    """Lines over one pair of axes; `square` where both run from 0 to 1."""
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = (0.0, 1.0) if square else (min(xs), max(xs))
    bottom, top = (0.0, 1.0) if square else (min(0.0, *ys), max(ys))
    across = (WIDTH - 2 * MARGIN) / ((high - low) or 1.0)
    up = (HEIGHT - 2 * MARGIN) / ((top - bottom) or 1.0)
    drawn = []
    for n, line in enumerate(lines):
        path = " ".join(
            f"{MARGIN + (x - low) * across:.1f},{HEIGHT - MARGIN - (y - bottom) * up:.1f}"
            for x, y in line.points
        )
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[n]}" stroke-width="2"/>')
    return _svg(
        HEIGHT, [*_legend([line.name for line in lines]), *_axes((low, high), (bottom, top), unit), *drawn]
    )


def waterfall(steps: Sequence[tuple[str, float]]) -> str:
    """A bar for each step, from the sum before it to the sum after; the weight beside it.

    >>> waterfall([("prior", -20.0), ("given", 7.0)]).count("<rect")
    2
    """
    sums = [0.0]
    for _, weight in steps:
        sums.append(sums[-1] + weight)
    low, high = min(sums), max(sums)
    scale = (WIDTH - LABEL - 70) / ((high - low) or 1.0)
    drawn = []
    for n, ((label, weight), (before, after)) in enumerate(zip(steps, pairwise(sums), strict=True)):
        top = n * ROW
        drawn.append(_text(LABEL - 8, top + 13, label, "end"))
        left = LABEL + (min(before, after) - low) * scale
        drawn.append(
            _rect(left, top + 2, max(abs(weight) * scale, 0.5), ROW - 4, COLOURS[0 if weight >= 0 else 1])
        )
        drawn.append(_text(WIDTH - 4, top + 13, f"{weight:+.2f}", "end"))
    return _svg(len(steps) * ROW + 4, drawn)


def _axes(across: tuple[float, float], up: tuple[float, float], unit: str) -> list[str]:
    bottom = HEIGHT - MARGIN
    return [
        f'<path d="M{MARGIN},{MARGIN / 2} V{bottom} H{WIDTH - MARGIN}" fill="none" stroke="#888"/>',
        _text(MARGIN, bottom + 16, f"{across[0]:.3g}", "start"),
        _text(WIDTH - MARGIN, bottom + 16, f"{across[1]:.3g}", "end"),
        _text(WIDTH / 2, bottom + 30, unit, "middle"),
        _text(MARGIN - 4, bottom, f"{up[0]:.3g}", "end"),
        _text(MARGIN - 4, MARGIN, f"{up[1]:.3g}", "end"),
    ]


def _legend(names: Sequence[str]) -> list[str]:
    drawn = []
    for n, name in enumerate(names):
        left = LABEL + n * 140
        drawn += [_rect(left, 4, 10, 10, COLOURS[n]), _text(left + 14, 13, name, "start")]
    return drawn


def _svg(height: float, drawn: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img">{"".join(drawn)}</svg>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
