"""What a review says of its link, and when it no longer does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.review import (
    Review,
    ReviewAction,
    ReviewReason,
    ReviewState,
    bucket,
    contradicts,
    sampled_bucket,
    state_of,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
AUTO, MANUAL = LinkSource.AUTO, LinkSource.MANUAL
MATCH, NO_MATCH, POSSIBLE = MatchResult.MATCH, MatchResult.NO_MATCH, MatchResult.POSSIBLE_MATCH


def link(result: MatchResult = MATCH, source: LinkSource = AUTO, version: int = 1, **more: Any) -> Link:
    return Link("Patient", "g", "s", result, source, version, NOW, NOW, **more)


def review(state: ReviewState, **more: Any) -> Review:
    known = {"action": ReviewAction.NOTE, "reason": ReviewReason.SAMPLE, "link_version": 1, **more}
    return Review("Patient", "g", "s", 1, state, steward="anna", at=NOW, **known)


def test_what_nobody_touched_is_open() -> None:
    assert state_of(None, link(), NOW) is ReviewState.OPEN


@pytest.mark.parametrize("state", ReviewState)
def test_a_state_holds_while_the_link_is_the_same(state: ReviewState) -> None:
    assert state_of(review(state), link(), NOW) is state


@pytest.mark.parametrize("state", ReviewState)
def test_what_is_settled_is_open_again_once_the_link_changed(state: ReviewState) -> None:
    kept = state if state is ReviewState.CLAIMED else ReviewState.OPEN
    assert state_of(review(state), link(version=2), NOW) is kept


@pytest.mark.parametrize(("until", "state"), [(NOW + DAY, ReviewState.DEFERRED), (NOW, ReviewState.OPEN)])
def test_what_is_deferred_is_open_again_when_its_time_came(until: datetime, state: ReviewState) -> None:
    assert state_of(review(ReviewState.DEFERRED, until=until), link(), NOW) is state


@pytest.mark.parametrize(
    ("result", "source", "grade", "contradicted"),
    [
        (MATCH, MANUAL, MatchGrade.CERTAINLY_NOT, True),
        (MATCH, MANUAL, MatchGrade.POSSIBLE, False),
        (NO_MATCH, MANUAL, MatchGrade.CERTAIN, True),
        (NO_MATCH, MANUAL, MatchGrade.PROBABLE, False),
        (POSSIBLE, MANUAL, MatchGrade.CERTAIN, False),
        (MATCH, AUTO, MatchGrade.CERTAINLY_NOT, False),
    ],
)
def test_only_a_persons_word_can_be_contradicted(
    result: MatchResult, source: LinkSource, grade: MatchGrade, contradicted: bool
) -> None:
    assert contradicts(link(result, source), grade) is contradicted


def test_only_what_was_matched_alone_is_sampled() -> None:
    assert sampled_bucket(link()) == bucket(("Patient", "g", "s"))
    for other in (link(POSSIBLE), link(source=MANUAL), link(removed=True)):
        assert sampled_bucket(other) is None
