"""Matches as tables, and the waterfall of one: how each comparison moved the odds."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.mdm.matching import Match

BAR_WIDTH: Final = 24
"""So that the table fits into 80 columns."""


def print_matches(console: Console, matches: Sequence[tuple[Match, Resource]], *, explained: int) -> None:
    """One table of all, then the waterfall of the first `explained`."""
    if not matches:
        console.print("nobody is known who could be this person")
        return
    console.print(_candidates(matches))
    for match, resource in matches[:explained]:
        console.print()
        console.print(waterfall(match, resource))
        console.print(verdict(match))


def waterfall(match: Match, resource: Resource) -> Table:
    """A row per comparison: its level, its weight, a bar from the sum before it to the sum after, the sum."""
    table = Table(title=f"{resource['resourceType']}/{match.id}: how it came about", title_justify="left")
    for heading in ("comparison", "level"):
        table.add_column(heading)
    table.add_column("bits", justify="right")
    table.add_column("")
    table.add_column("sum", justify="right")
    sums = list(accumulate((outcome.weight for outcome in match.outcomes), initial=0.0))
    for outcome, bar, total in zip(match.outcomes, bars(sums), sums[1:], strict=True):
        colour = "green" if outcome.weight > 0 else "red" if outcome.weight < 0 else "dim"
        table.add_row(
            escape(outcome.comparison),
            escape(outcome.level),
            f"[{colour}]{outcome.weight:+.2f}[/]",
            f"[{colour}]{bar}[/]",
            f"{total:+.2f}",
        )
    return table


def bars(sums: Sequence[float], width: int = BAR_WIDTH) -> Iterator[str]:
    """A bar from each sum to the next, all on one scale that holds every one of them.

    >>> list(bars([0.0, -2.0, 2.0], width=4))
    ['██  ', '████']
    """
    low, high = min(sums), max(sums)
    scale = width / (high - low) if high > low else 0.0
    for before, after in pairwise(sums):
        start, end = sorted((round((before - low) * scale), round((after - low) * scale)))
        length = max(end - start, int(before != after))  # however little it is, one sees it
        yield (" " * min(start, width - length) + "█" * length).ljust(width)


def name_of(resource: Resource) -> str:
    """The official name, or the first, as one would say it; an Organization's is a text.

    >>> name_of({"name": [{"family": "Rivera", "given": ["Ana", "M"]}]})
    'Ana M Rivera'
    """
    name = resource.get("name")
    if isinstance(name, str):
        return name
    names: list[Json] = [n for n in name or () if n]
    best = next((n for n in names if n.get("use") == "official"), names[0] if names else {})
    if best.get("text"):
        return str(best["text"])
    parts = [
        *(g for g in best.get("given") or () if g),
        best.get("family") or "",
        *(best.get("suffix") or ()),
    ]
    return " ".join(part for part in parts if part)


def _candidates(matches: Sequence[tuple[Match, Resource]]) -> Table:
    table = Table()
    for heading in ("grade", "score", "name", "birth date", "gender", "id"):
        table.add_column(heading, justify="right" if heading == "score" else "left")
    for match, resource in matches:
        table.add_row(
            match.grade.value,
            f"{match.score:.4f}",
            escape(name_of(resource)),
            escape(str(resource.get("birthDate", ""))),
            escape(str(resource.get("gender", ""))),
            match.id,
        )
    return table


def verdict(match: Match) -> str:
    """Weight, probability and grade in one line, and what lowered it."""
    verdict = f"{match.weight:+.2f} bits: probability {match.probability:.6f}, graded {match.grade.value}"
    if match.guards:
        verdict += f"; lowered by {', '.join(match.guards)}, and reported as {match.score:.4f}"
    return verdict
