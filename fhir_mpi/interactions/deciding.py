"""What a person decides about links, and what follows from it at once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.outcome import Conflict, InvalidRequest
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.arriving import Arrival, linked
from fhir_mpi.interactions.committing import CONFLICTS
from fhir_mpi.interactions.scene import Scene
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import ATTEMPTS
from fhir_mpi.mdm.golden import given_by_hand, redirected
from fhir_mpi.mdm.golden_merging import merge
from fhir_mpi.mdm.ledger import Ledger
from fhir_mpi.mdm.link import Link, LinkSource, MatchResult
from fhir_mpi.mdm.ports import LinkQuery
from fhir_mpi.mdm.review import Review
from fhir_mpi.mdm.tags import is_redirected
from fhir_mpi.storage.port import Pending, Stored, UnitOfWork

MATCH, NO_MATCH = MatchResult.MATCH, MatchResult.NO_MATCH
SAID: Final = ("made_golden", "score", "eid_match", "explanation")
"""What a link tells beside its result and its source."""


async def update_link(
    services: Services, golden: Stored, source: Stored, result: MatchResult, review: Review | None = None
) -> Stored:
    """A person says whether they match; the golden record as it is then, or was at its end.

    With a `review`, it is kept in the same unit; Conflict where the link isn't as it was reviewed.
    InvalidRequest where nothing is known between them, or the source matches another golden record.
    """

    def decided(scene: Scene) -> None:
        known = scene.ledger.link(golden.id, source.id)
        if known is None:
            raise InvalidRequest(f"HAPI-0738: No link exists between {_name(golden)} and {_name(source)}")
        _refuse_changed(known, review)
        if result is MATCH:
            _refuse_second(scene.ledger, golden, source)
        if known.result is not result:
            _said(scene, golden, source, result)

    return await _decided(services, golden, source, decided, rematch=result is NO_MATCH, review=review)


async def create_link(services: Services, golden: Stored, source: Stored, result: MatchResult) -> Stored:
    """A person links what wasn't. InvalidRequest where something is known between them, or the source
    matches another golden record.
    """

    def decided(scene: Scene) -> None:
        if scene.ledger.link(golden.id, source.id) is not None:
            raise InvalidRequest(
                f"HAPI-0753: Link already exists between {_name(golden)} and {_name(source)}."
                " Use $mdm-update-link instead."
            )
        if result is MATCH and scene.ledger.matched_to(source.id) is not None:
            raise InvalidRequest(
                f"HAPI-0754: {_name(source)} already has matched golden resource."
                " Use $mdm-query-links to see more details."
            )
        _said(scene, golden, source, result)

    return await _decided(services, golden, source, decided, rematch=False)


async def restore_link(
    services: Services, golden: Stored, source: Stored, earlier: Link, review: Review, *, since: datetime
) -> None:
    """A link says again what it did in an earlier version; the automatic matches that the source got
    `since` go. Conflict where the link changed meanwhile, or a person matched the source to another.
    """

    def decided(scene: Scene) -> None:
        known = scene.ledger.link(golden.id, source.id)
        if known is None or known.version != review.link_version - 1:
            raise Conflict("the link changed meanwhile")
        for other in scene.ledger.of_source(source.id):
            if other.result is MATCH and other.golden != golden.id and other.created >= since:
                _give_up(scene, other)
        if earlier.result is MATCH:
            _refuse_second(scene.ledger, golden, source)
        said = {name: getattr(earlier, name) for name in SAID}
        scene.ledger.put(golden.id, source.id, earlier.result, earlier.link_source, **said)
        if earlier.result is not MatchResult.POSSIBLE_DUPLICATE:
            scene.touched.add(golden.id)

    async def plan() -> UnitOfWork:
        goldens = [golden.id]
        if earlier.result is MatchResult.POSSIBLE_DUPLICATE:
            work = await linked(services, golden.type, (), goldens=[*goldens, source.id], change=decided)
        else:
            arrival = Arrival(source, rematch=False)
            work = await linked(services, source.type, [arrival], goldens=goldens, change=decided)
        return replace(work, standing=[source], reviews=[review])

    await _persistently(services, plan)


async def not_duplicate(
    services: Services, golden: Stored, other: Stored, review: Review | None = None
) -> None:
    """A person says that two golden records stand for two. InvalidRequest where that wasn't in question."""

    def decided(scene: Scene) -> None:
        known = scene.ledger.link(golden.id, other.id) or scene.ledger.link(other.id, golden.id)
        if known is None:
            raise InvalidRequest(f"HAPI-0745: No link exists between {_name(golden)} and {_name(other)}")
        if known.result is not MatchResult.POSSIBLE_DUPLICATE:
            raise InvalidRequest(
                f"HAPI-0746: {_name(golden)} and {_name(other)} are not linked as POSSIBLE_DUPLICATE."
            )
        _refuse_changed(known, review)
        scene.ledger.put(known.golden, known.source, NO_MATCH, LinkSource.MANUAL)

    async def plan() -> UnitOfWork:
        ids = {golden.id, other.id}
        work = await linked(services, golden.type, (), goldens=ids, change=decided)
        return replace(work, reviews=_kept(review))

    await _persistently(services, plan)


async def merge_goldens(
    services: Services, retired: Stored, survivor: Stored, given: Resource | None
) -> Stored:
    """Merges one golden record into another, which gets what is `given` besides; the surviving one.

    InvalidRequest where a person said of a source that it matches one of them and not the other.
    """

    def decided(scene: Scene) -> None:
        _refuse_gone(scene, retired, survivor)
        loose = merge(scene.ledger, retired.id, survivor.id)
        scene.contents[retired.id] = redirected(decode(scene.goldens[retired.id].json))
        if given is not None:
            known = decode(scene.goldens[survivor.id].json)
            scene.contents[survivor.id] = given_by_hand(known, given)
        scene.touched.add(survivor.id)
        scene.pending += [Pending(scene.type, source, 0) for source in sorted(loose)]

    async def plan() -> UnitOfWork:
        ids = {retired.id, survivor.id}
        return await linked(services, retired.type, (), goldens=ids, change=decided)

    await _persistently(services, plan)
    return await _now(services, survivor)


async def _decided(
    services: Services,
    golden: Stored,
    source: Stored,
    decided: Callable[[Scene], None],
    *,
    rematch: bool,
    review: Review | None = None,
) -> Stored:
    """Commits the decision; a source that is left without a match is compared anew in the same unit."""

    async def plan() -> UnitOfWork:
        matched = [x for x in await _links_of(services, source) if x.result is MATCH]
        anew = rematch and all(link.golden == golden.id for link in matched)
        arrival = Arrival(source, rematch=anew)
        work = await linked(services, source.type, [arrival], goldens=[golden.id], change=decided)
        return replace(work, standing=[source], reviews=_kept(review))

    await _persistently(services, plan)
    return await _now(services, golden)


async def _links_of(services: Services, source: Stored) -> list[Link]:
    return list(await services.store.links(LinkQuery((source.type,), sources=[source.id])))


async def _persistently(services: Services, plan: Callable[[], Awaitable[UnitOfWork]]) -> None:
    for attempt in range(ATTEMPTS):
        async with services.mdm.line if attempt else nullcontext():
            try:
                work = await plan()
                await services.keys.commit(work)
            except CONFLICTS:
                await asyncio.sleep(0)
                continue
        if work.pending:
            services.mdm.waiting.set()
        return
    raise Conflict("others keep changing these records; try again")


async def _now(services: Services, golden: Stored) -> Stored:
    """A golden record as it is now; one that ended with the decision as it was."""
    found = await services.store.read(golden.type, golden.id)
    return golden if found is None or found.deleted else found


def _said(scene: Scene, golden: Stored, source: Stored, result: MatchResult) -> None:
    scene.ledger.put(golden.id, source.id, result, LinkSource.MANUAL)
    scene.touched.add(golden.id)


def _refuse_second(ledger: Ledger, golden: Stored, source: Stored) -> None:
    """A source matches one golden record: HAPI's defect 4156."""
    match = ledger.matched_to(source.id)
    if match is not None and match.golden != golden.id:
        raise InvalidRequest(
            f"HAPI-2218: A match with a different golden resource ({golden.type}/{match.golden}) exists for"
            f" resource {_name(source)}"
        )


def _refuse_changed(known: Link, review: Review | None) -> None:
    if review is not None and known.version != review.before:
        raise Conflict(f"the link changed: it is {known.result} in version {known.version}")


def _give_up(scene: Scene, link: Link) -> None:
    if link.link_source is LinkSource.MANUAL:
        raise Conflict(f"a person matched the source to {link.type}/{link.golden} meanwhile")
    scene.ledger.remove(link)
    scene.touched.add(link.golden)


def _kept(review: Review | None) -> list[Review]:
    return [] if review is None else [review]


def _refuse_gone(scene: Scene, *goldens: Stored) -> None:
    """They may have been merged or retired since they were read."""
    for golden in goldens:
        found = scene.goldens.get(golden.id)
        if found is None or is_redirected(found.resource):
            raise Conflict(f"{_name(golden)} is no longer a golden record")


def _name(stored: Stored) -> str:
    return f"{stored.type}/{stored.id}"
