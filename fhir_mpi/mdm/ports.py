"""What matching asks of a store."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate record as it is stored: the logical id, and the features that linkage packed."""

    id: str
    packed: str


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """Every record that shares a key with the probe, each once; `skipped` are keys over the cap.

    A key that more than `cap` records have is skipped whole, never truncated (matching.md section 3).
    """

    rows: Sequence[CandidateRow]
    skipped: frozenset[int]


class Candidates(Protocol):
    async def candidates(self, type: str, keys: Collection[int], /, *, cap: int) -> CandidateSet:
        """One query: the candidate records of a type by blocking key (signed 64-bit integers)."""
        ...

    async def population(self, type: str, /) -> int:
        """How many candidate records the type has; may be some seconds old, exact when small."""
        ...
