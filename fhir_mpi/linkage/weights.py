"""What agreement is worth: levels, comparisons and term frequencies.

Weights are bits: log2(m/u), m = P(level | same person), u = P(level | two random people).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Final

PROBABILITY_FLOOR: Final = 1e-6
"""No m or u is taken to be rarer: a level unseen in training is rare, not impossible."""

LOWEST_WEIGHT: Final = -15.0
"""Bits. Below it one comparison alone would veto a true match."""


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a comparison. A null level (a side is missing) weighs nothing."""

    label: str
    comparator: str
    threshold: float = 0.0
    null: bool = False
    m: float = 1.0
    u: float = 1.0
    term_frequency: str | None = None

    @property
    def weight(self) -> float:
        """Bits, with floors under m, u and the weight itself.

        >>> Level("exact", "exact", m=0.5, u=0.125).weight
        2.0
        """
        if self.null:
            return 0.0
        return max(log2(max(self.m, PROBABILITY_FLOOR) / max(self.u, PROBABILITY_FLOOR)), LOWEST_WEIGHT)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One feature and its levels; the first true level counts, the last is always true."""

    name: str
    feature: str
    levels: tuple[Level, ...]

    def weight(self, level: Level) -> float:
        """The level's bits, never more than those of exact agreement on this feature.

        Levels that random pairs hardly ever show (swapped, initial) would else outweigh it.
        """
        exact = [other.weight for other in self.levels if other.comparator == "exact"]
        return min([level.weight, *exact])


@dataclass(frozen=True, slots=True)
class TermFrequencies:
    """Shares of values: `other` for a value that is not listed (None: no adjustment), never below `floor`.

    A value of another script than the listed ones is no rare one: it is not adjusted either.
    """

    values: Mapping[str, float]
    floor: float
    other: float | None = None

    def share(self, value: str) -> float | None:
        found = self.values.get(value)
        if found is None and value.isascii():
            found = self.other
        return None if found is None else max(found, self.floor)
