"""A link that needs a person, as the operations tell it, and why it does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fhir_mpi.fhir.dates import instant
from fhir_mpi.fhir.outcome import Conflict, InvalidRequest, NotFound
from fhir_mpi.fhir.types import Json
from fhir_mpi.interactions.services import Services
from fhir_mpi.linkage.model import MatchGrade
from fhir_mpi.linkage.record import record_of
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult, Pair
from fhir_mpi.mdm.ports import LinkQuery
from fhir_mpi.mdm.review import Review, ReviewReason, ReviewState, bucket, contradicts, state_of
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.mdm_parameters import named, where

MOST_COMPARED: Final = 50
"""Other sources of a golden record that a source is compared with, for a contradiction."""
UNSURE: Final = {
    MatchResult.POSSIBLE_MATCH: ReviewReason.POSSIBLE_MATCH,
    MatchResult.POSSIBLE_DUPLICATE: ReviewReason.POSSIBLE_DUPLICATE,
}
DECIDABLE: Final = (MatchResult.MATCH, MatchResult.NO_MATCH)


@dataclass(frozen=True, slots=True)
class Item:
    """A link, what was done with it last, why it needs a person, and where that stands."""

    link: Link
    review: Review | None
    reason: ReviewReason
    state: ReviewState

    @property
    def version(self) -> int:
        return self.review.version if self.review else 0


async def item_of(services: Services, link: Link, review: Review | None) -> Item | None:
    """The item of a link; None where it needs nobody and nobody did anything with it."""
    now = services.clock()
    state = state_of(review, link, now)
    if review is not None and state is ReviewState.DECIDED and link.link_source is LinkSource.MANUAL:
        state = await _after_changes(services, link, review)
    if review is not None and state is not ReviewState.OPEN:
        return Item(link, review, review.reason, state)
    reason = await reason_of(services, link)
    return None if reason is None else Item(link, review, reason, state)


async def reason_of(services: Services, link: Link) -> ReviewReason | None:
    """Why a link needs a person; None where it doesn't."""
    if link.result in UNSURE:
        return UNSURE[link.result]
    if link.result not in DECIDABLE:
        return None
    if link.link_source is LinkSource.MANUAL:
        grade = await _best_grade(services, link)
        return ReviewReason.CONTRADICTION if grade is not None and contradicts(link, grade) else None
    sampled = link.result is MatchResult.MATCH and bucket(link.pair) < services.limits.review_sample
    return ReviewReason.SAMPLE if sampled else None


async def _after_changes(services: Services, link: Link, review: Review) -> ReviewState:
    """A decision is open to doubt again once the source record changed after it."""
    head = (await services.store.heads(link.type, [link.source])).get(link.source)
    changed = head is not None and head.last_updated > review.at
    return ReviewState.OPEN if changed else ReviewState.DECIDED


async def named_item(services: Services, call: Call) -> Item:
    """The item of the link that a call names, in the version that it expects.

    NotFound where there is no such link, InvalidRequest where it needs nobody, Conflict where another
    steward was first.
    """
    link = await _named_link(services, call)
    review = (await services.store.reviews_of([link.pair])).get(link.pair)
    found = await item_of(services, link, review)
    if found is None:
        raise InvalidRequest("this link needs no review", expression=where("goldenResourceId"))
    expected = call.parameters["version"]
    if found.version != expected:
        raise Conflict(f"version {expected} of the review was expected; {standing(found)}")
    return found


def pair_of(call: Call) -> Pair:
    """The two records that a call names."""
    type, golden, _ = named(call, "goldenResourceId", call.parameters["goldenResourceId"])
    other, source, _ = named(call, "resourceId", call.parameters["resourceId"])
    if type != other:
        raise InvalidRequest("records of two types are never linked", expression=where("resourceId"))
    return type, golden, source


def standing(item: Item) -> str:
    """What there is, for one who expected something else."""
    if item.review is None:
        return f"nobody did anything yet: it is {item.state} in version 0"
    last = item.review
    who = f", claimed by {last.assignee}" if last.assignee else ""
    return (
        f"it is {item.state} in version {last.version}{who}; {last.action} by {last.steward}"
        f" at {instant(last.at)}"
    )


def item_parts(item: Item) -> Json:
    """The part of an answer that tells an item."""
    link, review = item.link, item.review
    told: list[tuple[str, str, Any]] = [
        ("goldenResourceId", "valueString", f"{link.type}/{link.golden}"),
        ("sourceResourceId", "valueString", f"{link.type}/{link.source}"),
        ("reason", "valueCode", item.reason),
        ("state", "valueCode", item.state),
        ("version", "valueInteger", item.version),
        ("matchResult", "valueCode", link.result),
        ("linkSource", "valueCode", link.link_source),
        ("linkVersion", "valueInteger", link.version),
        ("score", "valueDecimal", link.score),
        ("since", "valueInstant", instant(link.updated)),
    ]
    if review is not None:
        told += _done(review)
    parts = [{"name": n, key: str(v) if key == "valueCode" else v} for n, key, v in told if v is not None]
    return {"name": "item", "part": parts}


def history_parts(review: Review) -> Json:
    """The part of an answer that tells what a steward did."""
    told = [
        ("version", "valueInteger", review.version),
        ("state", "valueCode", review.state),
        ("reason", "valueCode", review.reason),
        ("linkVersion", "valueInteger", review.link_version),
        *_done(review),
    ]
    parts = [{"name": n, key: str(v) if key == "valueCode" else v} for n, key, v in told if v is not None]
    return {"name": "action", "part": parts}


def _done(review: Review) -> Iterator[tuple[str, str, Any]]:
    yield "action", "valueCode", review.action
    yield "steward", "valueString", review.steward
    yield "at", "valueInstant", instant(review.at)
    yield "assignee", "valueString", review.assignee
    yield "note", "valueString", review.note
    yield "decision", "valueCode", review.decision
    yield "until", "valueDateTime", None if review.until is None else instant(review.until)


async def _named_link(services: Services, call: Call) -> Link:
    type, golden, source = pair_of(call)
    query = LinkQuery((type,), goldens=[golden], sources=[source], limit=1)
    known = type in services.mdm.linked_types
    found = await services.store.links(query) if known else ()
    if not found:
        raise NotFound(f"{type}/{golden} and {type}/{source} are not linked")
    return found[0]


async def _best_grade(services: Services, link: Link) -> MatchGrade | None:
    """How well a source matches the other sources of a golden record; None where there are none."""
    query = LinkQuery((link.type,), goldens=[link.golden], results=[MatchResult.MATCH], limit=MOST_COMPARED)
    others = [each.source for each in await services.store.links(query) if each.source != link.source]
    stored = await services.store.read_many(link.type, [link.source, *others])
    found = {each.id: each.resource for each in stored}
    own = found.pop(link.source, None)
    if own is None or not found:
        return None
    records = [record_of(services.mdm.cleaned(resource)) for resource in found.values()]
    return await services.matchers[link.type].best_grade(record_of(services.mdm.cleaned(own)), records)
