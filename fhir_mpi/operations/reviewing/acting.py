"""$mdm-review-claim, -release, -note and -history: who is at a link, and what they say of it."""

from dataclasses import replace
from typing import Final

from fhir_mpi.fhir.outcome import Conflict
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.ports import ReviewConflict
from fhir_mpi.mdm.review import Review, ReviewAction, ReviewState
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.reviewing.items import (
    Item,
    history_parts,
    item_parts,
    named_item,
    pair_of,
    standing,
)
from fhir_mpi.storage.port import UnitOfWork

CLAIMABLE: Final = frozenset({ReviewState.OPEN, ReviewState.DEFERRED, ReviewState.CLAIMED})


async def claim(services: Services, call: Call) -> Resource:
    """The item, claimed by a steward. Conflict where it is another's, or is decided."""
    item = await named_item(services, call)
    refuse_others(item, call)
    if item.state not in CLAIMABLE:
        raise Conflict(f"what is decided can't be claimed, only undone; {standing(item)}")
    steward = call.parameters["steward"]
    made = next_review(services, call, item, ReviewAction.CLAIM)
    return await kept(services, item, replace(made, state=ReviewState.CLAIMED, assignee=steward))


async def release(services: Services, call: Call) -> Resource:
    """The item, open again; any steward may give back what another has, and is remembered for it."""
    item = await named_item(services, call)
    if item.state not in (ReviewState.CLAIMED, ReviewState.DEFERRED):
        raise Conflict(f"only what is claimed or deferred is given back; {standing(item)}")
    made = next_review(services, call, item, ReviewAction.RELEASE)
    return await kept(services, item, replace(made, state=ReviewState.OPEN, assignee=None, until=None))


async def note(services: Services, call: Call) -> Resource:
    """The item as it was, with a note."""
    item = await named_item(services, call)
    return await kept(services, item, next_review(services, call, item, ReviewAction.NOTE))


async def history(services: Services, call: Call) -> Resource:
    """Everything that was done with a link, newest first; nothing where nobody did anything."""
    pair = pair_of(call)
    known = pair[0] in services.mdm.linked_types
    found = await services.store.review_history(pair) if known else ()
    parts = [history_parts(review) for review in found]
    return {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}


def next_review(services: Services, call: Call, item: Item, action: ReviewAction) -> Review:
    """The next version of a review: nothing but who does what, when and why is new."""
    link, last = item.link, item.review
    settled = last is not None and item.state is last.state
    return Review(
        type=link.type,
        golden=link.golden,
        source=link.source,
        version=item.version + 1,
        state=item.state,
        action=action,
        reason=item.reason,
        steward=call.parameters["steward"],
        at=services.clock(),
        link_version=link.version,
        assignee=last.assignee if last and settled else None,
        note=call.parameters.get("note"),
        decision=last.decision if last and settled else None,
        before=last.before if last and settled else None,
        until=last.until if last and settled else None,
    )


def refuse_others(item: Item, call: Call) -> None:
    """Conflict where another steward has claimed it."""
    assignee = item.review.assignee if item.review else None
    if item.state is ReviewState.CLAIMED and assignee != call.parameters["steward"]:
        raise Conflict(f"another steward has it; {standing(item)}")


async def kept(services: Services, item: Item, review: Review) -> Resource:
    """The item after an action that changes no link. Conflict where another steward was first."""
    try:
        await services.store.commit(UnitOfWork(reviews=[review]))
    except ReviewConflict as conflict:
        raise await beaten(services, item) from conflict
    return answer(Item(item.link, review, review.reason, review.state))


async def beaten(services: Services, item: Item) -> Conflict:
    """What to say to a steward who was not the first."""
    last = (await services.store.reviews_of([item.link.pair])).get(item.link.pair)
    now = Item(item.link, last, item.reason, last.state if last else item.state)
    return Conflict(f"another steward was first; {standing(now)}")


def answer(item: Item) -> Resource:
    return {"resourceType": "Parameters", "parameter": [item_parts(item)]}
