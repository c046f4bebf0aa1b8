"""$mdm-review-queue: what waits for a person, and what stewards have.

What waits is read off the links, in the order that is asked for; what stewards have off their reviews,
the last action first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkQuery, ReviewQuery
from fhir_mpi.mdm.review import Review, ReviewReason, ReviewState
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.reviewing.asked import Asked, asked_for
from fhir_mpi.operations.reviewing.items import DECIDABLE, Item, item_of, item_parts

BATCH: Final = 100
MOST_LOOKED_AT: Final = 500
"""Links that are looked at for one page: where most of them need nobody, it is short, and goes on."""
Row: TypeAlias = tuple[Link | None, Review | None]


@dataclass(slots=True)
class _Page:
    """What was found so far, and where to go on."""

    items: list[Item]
    offset: int
    more: bool = True


async def queue(services: Services, call: Call) -> Resource:
    """A page of items, and the offset of the next one where there may be more."""
    asked = asked_for(services, call.parameters)
    page = _Page([], asked.offset)
    while page.more and len(page.items) < asked.count and page.offset < asked.offset + MOST_LOOKED_AT:
        await _fill(services, asked, page)
    parts: list[Json] = [{"name": "next", "valueInteger": page.offset}] if page.more else []
    parts += [item_parts(item) for item in page.items]
    return {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}


async def _fill(services: Services, asked: Asked, page: _Page) -> None:
    """Looks at the rows of one batch, until the page is full or they are all looked at."""
    rows = await _rows(services, asked, page.offset)
    for link, review in rows:
        if len(page.items) == asked.count:
            return
        page.offset += 1
        if link is None or not asked.takes_link(link):
            continue
        item = await item_of(services, link, review)
        if item is not None and asked.takes(item):
            page.items.append(item)
    page.more = len(rows) == BATCH


async def _rows(services: Services, asked: Asked, offset: int) -> Sequence[Row]:
    if asked.of_stewards:
        return await _reviewed(services, asked, offset)
    query = replace(_waiting(services, asked), limit=BATCH, offset=offset)
    links = await services.store.links(query)
    reviews = await services.store.reviews_of([link.pair for link in links])
    return [(link, reviews.get(link.pair)) for link in links]


async def _reviewed(services: Services, asked: Asked, offset: int) -> Sequence[Row]:
    states = asked.states - {ReviewState.OPEN} or None
    reviews = await services.store.reviews(ReviewQuery(asked.types, BATCH, states, asked.assignee, offset))
    found: dict[object, Link] = {}
    for type in {review.type for review in reviews}:
        own = [review for review in reviews if review.type == type]
        query = LinkQuery((type,), goldens=[r.golden for r in own], sources=[r.source for r in own])
        found |= {link.pair: link for link in await services.store.links(query)}
    return [(found.get(review.pair), review) for review in reviews]


def _waiting(services: Services, asked: Asked) -> LinkQuery:
    """Every link that may need a person, for one of the reasons asked for."""
    results = {
        ReviewReason.POSSIBLE_MATCH: MatchResult.POSSIBLE_MATCH,
        ReviewReason.POSSIBLE_DUPLICATE: MatchResult.POSSIBLE_DUPLICATE,
    }
    possible = [result for reason, result in results.items() if reason in asked.reasons]
    alternatives = [LinkQuery(asked.types, results=possible)] if possible else []
    if ReviewReason.CONTRADICTION in asked.reasons:
        manual = LinkQuery(asked.types, results=DECIDABLE, link_source=LinkSource.MANUAL)
        alternatives.append(manual)
    if ReviewReason.SAMPLE in asked.reasons:
        alternatives.append(LinkQuery(asked.types, sampled=services.limits.review_sample))
    return LinkQuery(asked.types, any_of=alternatives, sort=[asked.sort])
