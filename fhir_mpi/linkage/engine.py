"""The scoring engine: the one extension point of record linkage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fhir_mpi.linkage.model import LinkageModel, MatchGrade
from fhir_mpi.linkage.record import Record


@dataclass(frozen=True, slots=True)
class ComparisonOutcome:
    """Which level one comparison reached, and the weight (log2 of a Bayes factor, bits) it earned.

    `value` is how far the two sides agree, 0 to 1, where the engine reckons with that.
    """

    comparison: str
    level: str
    weight: float
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grade and the score to report with it, 0 to 1, that no threshold and no guard looks at again."""

    grade: MatchGrade
    score: float


@dataclass(frozen=True, slots=True)
class MatchScore:
    """A match weight (bits), its probability, and the working.

    `weight` is the sum of the outcomes' weights; the prior is one of them.
    """

    weight: float
    probability: float
    outcomes: tuple[ComparisonOutcome, ...]
    verdict: Verdict | None = None
    """What an engine says that grades for itself; most leave that to the model."""


class ScoringEngine(Protocol):
    """Scores a record against candidates. Pure: no I/O, no clock, no state."""

    @property
    def name(self) -> str: ...

    def score(
        self, record: Record, candidates: Sequence[Record], /, *, population: int
    ) -> Sequence[MatchScore]:
        """One score per candidate, in their order; `population` is the number of records indexed."""
        ...


EngineFactory = Callable[[LinkageModel], ScoringEngine]
