"""$mdm-review-decide and -undo: what a steward says of a link, and takes back.

The link, the golden records it changes and the review are one unit of work.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from fhir_mpi.fhir.dates import period
from fhir_mpi.fhir.outcome import Conflict, InvalidRequest, InvalidValue
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions import deciding
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import Link, MatchResult
from fhir_mpi.mdm.ports import LinkQuery, ReviewConflict
from fhir_mpi.mdm.review import Review, ReviewAction, ReviewDecision, ReviewReason, ReviewState
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.mdm_parameters import where
from fhir_mpi.operations.reviewing.acting import answer, beaten, kept, next_review, refuse_others
from fhir_mpi.operations.reviewing.items import Item, named_item, standing
from fhir_mpi.storage.port import Stored

DEFER: Final = "defer"
RESULTS: Final[Mapping[ReviewDecision, MatchResult]] = {
    ReviewDecision.MATCH: MatchResult.MATCH,
    ReviewDecision.NO_MATCH: MatchResult.NO_MATCH,
}
SURE: Final = frozenset({ReviewReason.CONTRADICTION, ReviewReason.SAMPLE})
"""What can be confirmed: the link says something definite."""


async def decide(services: Services, call: Call) -> Resource:
    """The item, decided or deferred.

    Conflict where another steward has it or was first, where it is decided already, or where the link
    changed since it was looked at; InvalidRequest for a decision that doesn't answer its question.
    """
    item = await named_item(services, call)
    refuse_others(item, call)
    if item.state is ReviewState.DECIDED:
        raise Conflict(f"it is decided already; {standing(item)}")
    _check_link(item, call)
    if call.parameters["decision"] == DEFER:
        return await _deferred(services, call, item)
    if "until" in call.parameters:
        raise InvalidRequest("until is for what is deferred", expression=where("until"))
    decision = _decision(call, item)
    made = replace(
        next_review(services, call, item, ReviewAction.DECIDE),
        state=ReviewState.DECIDED,
        decision=decision,
        before=item.link.version,
        assignee=None,
        until=None,
    )
    result = RESULTS.get(decision)
    if result is None or result is item.link.result:
        return await kept(services, item, made)
    return await _changed(services, item, replace(made, link_version=item.link.version + 1), result)


async def undo(services: Services, call: Call) -> Resource:
    """The item, open again, and its link as it was before the decision.

    Conflict where there is no decision, or the link changed after it.
    """
    item = await named_item(services, call)
    last = item.review
    if last is None or last.decision is None or last.before is None:
        raise Conflict(f"there is no decision to undo; {standing(item)}")
    if last.link_version != item.link.version:
        raise Conflict(f"the link changed after the decision; {standing(item)}")
    made = replace(
        next_review(services, call, item, ReviewAction.UNDO),
        state=ReviewState.OPEN,
        decision=None,
        before=None,
        assignee=None,
    )
    if last.before == item.link.version:
        return await kept(services, item, made)
    earlier = await _version(services, item.link, last.before)
    made = replace(made, link_version=item.link.version + 1)
    golden, source = await _both(services, item.link)
    try:
        await deciding.restore_link(services, golden, source, earlier, made, since=last.at)
    except ReviewConflict as conflict:
        raise await beaten(services, item) from conflict
    return await _as_it_is(services, item.link, made)


async def _changed(services: Services, item: Item, review: Review, result: MatchResult) -> Resource:
    golden, source = await _both(services, item.link)
    try:
        if item.link.result is MatchResult.POSSIBLE_DUPLICATE:
            await deciding.not_duplicate(services, golden, source, review)
        else:
            await deciding.update_link(services, golden, source, result, review)
    except ReviewConflict as conflict:
        raise await beaten(services, item) from conflict
    return await _as_it_is(services, item.link, review)


async def _deferred(services: Services, call: Call, item: Item) -> Resource:
    until = call.parameters.get("until")
    moment = None if until is None else _moment(until)
    if moment is not None and moment <= services.clock():
        raise InvalidValue("until is in the past", expression=where("until"))
    made = next_review(services, call, item, ReviewAction.DEFER)
    return await kept(services, item, replace(made, state=ReviewState.DEFERRED, until=moment))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(period(text)[0] / 1000, UTC)
    except (OverflowError, ValueError) as error:  # year 0 or 10000, in UTC
        raise InvalidValue("until is beyond all calendars", expression=where("until")) from error


def _decision(call: Call, item: Item) -> ReviewDecision:
    text = call.parameters["decision"]
    if text not in set(ReviewDecision):
        known = ", ".join((*ReviewDecision, DEFER))
        raise InvalidValue(f"decision is one of {known}", expression=where("decision"))
    decision = ReviewDecision(text)
    if decision is ReviewDecision.CONFIRM and item.reason not in SURE:
        raise InvalidRequest(
            f"a {item.reason} says nothing that could be confirmed: decide match or no-match",
            expression=where("decision"),
        )
    if decision is ReviewDecision.MATCH and item.reason is ReviewReason.POSSIBLE_DUPLICATE:
        raise InvalidRequest(
            "golden records that are one are merged by $mdm-merge-golden-resources",
            expression=where("decision"),
        )
    return decision


def _check_link(item: Item, call: Call) -> None:
    expected = call.parameters["linkVersion"]
    if item.link.version != expected:
        raise Conflict(
            f"the link changed: version {expected} was expected, it is {item.link.result} in version"
            f" {item.link.version}"
        )


async def _both(services: Services, link: Link) -> tuple[Stored, Stored]:
    return await read(services, link.type, link.golden), await read(services, link.type, link.source)


async def _version(services: Services, link: Link, version: int) -> Link:
    history = await services.store.link_history(link.type, goldens=[link.golden])
    return next(each for each in history if each.pair == link.pair and each.version == version)


async def _as_it_is(services: Services, link: Link, review: Review) -> Resource:
    query = LinkQuery((link.type,), goldens=[link.golden], sources=[link.source], removed=True)
    now = (await services.store.links(query))[0]
    return answer(Item(now, review, review.reason, review.state))
