"""Reviews as both stores keep them: one flat document, its times in milliseconds since 1970."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fhir_mpi.mdm.review import Review, ReviewAction, ReviewDecision, ReviewReason, ReviewState

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def document(review: Review) -> dict[str, Any]:
    return {
        "type": review.type,
        "golden": review.golden,
        "source": review.source,
        "version": review.version,
        "state": str(review.state),
        "action": str(review.action),
        "reason": str(review.reason),
        "steward": review.steward,
        "at": _millis(review.at),
        "linkVersion": review.link_version,
        "assignee": review.assignee,
        "note": review.note,
        "decision": None if review.decision is None else str(review.decision),
        "before": review.before,
        "until": None if review.until is None else _millis(review.until),
    }


def review(document: Mapping[str, Any]) -> Review:
    decision, until = document["decision"], document["until"]
    return Review(
        type=document["type"],
        golden=document["golden"],
        source=document["source"],
        version=document["version"],
        state=ReviewState(document["state"]),
        action=ReviewAction(document["action"]),
        reason=ReviewReason(document["reason"]),
        steward=document["steward"],
        at=_moment(document["at"]),
        link_version=document["linkVersion"],
        assignee=document["assignee"],
        note=document["note"],
        decision=None if decision is None else ReviewDecision(decision),
        before=document["before"],
        until=None if until is None else _moment(until),
    )


def _millis(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _moment(millis: int) -> datetime:
    return _EPOCH + millis * _MILLISECOND
