"""Reviews: which links need a person, and what stewards did with them.

The queue is read off the links, so that it can't drift from them; only what a steward does is kept.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult, Pair

BUCKETS: Final = 1_000_000
MOST_SAMPLED: Final = 100_000
"""How many of these buckets can be sampled: stores keep an index of no more."""


class ReviewReason(StrEnum):
    """Why a link needs a person. A contradiction is a person's link that the matching now speaks against."""

    POSSIBLE_MATCH = "possible-match"
    POSSIBLE_DUPLICATE = "possible-duplicate"
    CONTRADICTION = "contradiction"
    SAMPLE = "sample"


class ReviewState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    DEFERRED = "deferred"
    DECIDED = "decided"


class ReviewAction(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    NOTE = "note"
    DECIDE = "decide"
    DEFER = "defer"
    UNDO = "undo"


class ReviewDecision(StrEnum):
    """`CONFIRM` leaves the link as it is: an automatic one was right, or a person's stands."""

    MATCH = "match"
    NO_MATCH = "no-match"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Review:
    """One version of what stewards did with the link of a pair; the newest one counts.

    `action` is what `steward` did at `at`, with the `note` given for it. `assignee` is who has claimed it.
    `link_version` is that of the link, after a decision the one that it made; `before` the one it was
    made on. `until` is when what was deferred is open again.
    """

    type: str
    golden: str
    source: str
    version: int
    state: ReviewState
    action: ReviewAction
    reason: ReviewReason
    steward: str
    at: datetime
    link_version: int
    assignee: str | None = None
    note: str | None = None
    decision: ReviewDecision | None = None
    before: int | None = None
    until: datetime | None = None

    @property
    def pair(self) -> Pair:
        return self.type, self.golden, self.source


def bucket(pair: Pair) -> int:
    """A number from 0 to 999,999 that a pair always has: those below a rate are the sample.

    >>> bucket(("Patient", "g", "s")) == bucket(("Patient", "g", "s")) < BUCKETS
    True
    """
    return int.from_bytes(sha256("/".join(pair).encode()).digest()[:8]) % BUCKETS


def sampled_bucket(link: Link) -> int | None:
    """The bucket of a link that can be sampled: a match that the matching made."""
    automatic = link.result is MatchResult.MATCH and link.link_source is LinkSource.AUTO and not link.removed
    return bucket(link.pair) if automatic else None


def state_of(review: Review | None, link: Link, now: datetime) -> ReviewState:
    """Where a link stands: open again once it changed after it was decided or deferred, or its time came."""
    if review is None:
        return ReviewState.OPEN
    settled = review.state in (ReviewState.DECIDED, ReviewState.DEFERRED)
    if settled and review.link_version != link.version:
        return ReviewState.OPEN
    if review.state is ReviewState.DEFERRED and review.until is not None and review.until <= now:
        return ReviewState.OPEN
    return review.state


def contradicts(link: Link, best: MatchGrade) -> bool:
    """Whether the best grade of a source among the other sources of a golden record speaks against a
    person's link between the two.
    """
    if link.link_source is not LinkSource.MANUAL:
        return False
    if link.result is MatchResult.MATCH:
        return best is MatchGrade.CERTAINLY_NOT
    return link.result is MatchResult.NO_MATCH and best is MatchGrade.CERTAIN


def next_link(link: Link, decision: ReviewDecision, now: datetime) -> Link | None:
    """The link after a decision, a person's now; None where it stays as it is."""
    if decision is ReviewDecision.CONFIRM:
        return None
    result = MatchResult.MATCH if decision is ReviewDecision.MATCH else MatchResult.NO_MATCH
    return replace(
        link,
        result=result,
        link_source=LinkSource.MANUAL,
        version=link.version + 1,
        updated=now,
        removed=False,
    )


def restored_link(link: Link, earlier: Link, now: datetime) -> Link:
    """The link as it was in an earlier version, as a new one."""
    return replace(earlier, version=link.version + 1, created=link.created, updated=now)
