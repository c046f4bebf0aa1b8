"""What matching and linking ask of a store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from fhir_mpi.mdm.link import Link, LinkSource, MatchResult, Pair
from fhir_mpi.mdm.review import Review, ReviewState


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

    async def candidate_records(self, type: str, ids: Collection[str], /) -> Sequence[CandidateRow]:
        """The candidate records with these ids, in one query and any order; absent ones left out."""
        ...

    async def population(self, type: str, /) -> int:
        """How many candidate records the type has; may be some seconds old, exact when small."""
        ...


class LinkField(Enum):
    """What links can be sorted by."""

    GOLDEN = "golden"
    SOURCE = "source"
    RESULT = "result"
    LINK_SOURCE = "link_source"
    SCORE = "score"
    EID_MATCH = "eid_match"
    MADE_GOLDEN = "made_golden"
    VERSION = "version"
    CREATED = "created"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class LinkSort:
    """Links without a score come last, whatever the direction."""

    field: LinkField
    descending: bool = False


@dataclass(frozen=True, slots=True)
class LinkQuery:
    """Current links of these types; what is None or not given doesn't narrow.

    `sampled` is a rate: of a million buckets, how many of the first are wanted, at most MOST_SAMPLED. It
    finds nothing but automatic matches. `any_of` narrows to what one of these finds, whatever their order
    and pages.

    In the order of `sort`, then of type, golden and source id; at most `limit` behind the first `offset`.
    Removed ones are left out unless `removed`.
    """

    types: Sequence[str]
    goldens: Collection[str] | None = None
    sources: Collection[str] | None = None
    results: Collection[MatchResult] | None = None
    link_source: LinkSource | None = None
    sort: Sequence[LinkSort] = ()
    limit: int | None = None
    offset: int = 0
    removed: bool = False
    sampled: int | None = None
    any_of: "Sequence[LinkQuery] | None" = None


class Links(Protocol):
    async def links(self, query: LinkQuery, /) -> Sequence[Link]: ...

    async def link_count(self, query: LinkQuery, /) -> int:
        """How many links the query finds, whatever its limit and offset."""
        ...

    async def link_history(
        self, type: str, /, *, goldens: Collection[str] = (), sources: Collection[str] = ()
    ) -> Sequence[Link]:
        """Every version of the links of one of these goldens or sources, removals among them, each once,
        newest first.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReviewQuery:
    """What stewards did last with the links of these types, newest first."""

    types: Sequence[str]
    limit: int
    states: Collection[ReviewState] | None = None
    assignee: str | None = None
    offset: int = 0


class ReviewConflict(Exception):
    """A review's version was not the one after the current one; nothing of the unit of work was done."""

    def __init__(self, pair: Pair) -> None:
        super().__init__("another steward was first")
        self.pair = pair


class Reviews(Protocol):
    async def reviews(self, query: ReviewQuery, /) -> Sequence[Review]: ...

    async def reviews_of(self, pairs: Collection[Pair], /) -> Mapping[Pair, Review]:
        """The current review of each of these links that has one."""
        ...

    async def review_history(self, pair: Pair, /) -> Sequence[Review]:
        """Everything that was done with the link of a pair, newest first."""
        ...
