"""$mdm-submit: sources are to be linked anew, as after a change of model, rules or settings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from typing import Final
from urllib.parse import parse_qsl

from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.committing import ATTEMPTS, CONFLICTS
from fhir_mpi.interactions.jobs import Result, Running, accept, planned
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.waiting import UNIT as LINKED_TOGETHER
from fhir_mpi.interactions.waiting import drain, relinking
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.operations.call import Answer, Call, accepted
from fhir_mpi.operations.mdm_parameters import where
from fhir_mpi.search.filters import EVERYTHING, Filter, Query
from fhir_mpi.search.term import SearchContext
from fhir_mpi.storage.port import Pending, UnitOfWork

SUBMIT: Final = "mdm-submit"
UNIT: Final = 500
AT_ONCE: Final = 100
"""So many sources at most are linked before the answer; more of them right after."""


async def submit(services: Services, call: Call) -> Resource | Answer:
    """How many sources were put into the queue: one, those that meet the criteria, or all. Or the job that
    links them, where the client would rather be answered later.
    """
    types = _types(services, call)
    if call.later:
        return await _later(services, call, types)
    submitted = 0
    for type in types:
        async for page, _ in _pages(services, call, type, UNIT):
            await services.store.commit(UnitOfWork((), pending=page))
            submitted += len(page)
    if submitted <= AT_ONCE:
        await drain(services)
    services.mdm.waiting.set()
    return answer_parameters(("submitted", "decimal", submitted))


async def run_submit(services: Services, running: Running) -> None:
    """Links the sources a few at a time, each time noting how far it is."""
    given: Json = running.parameters
    call = Call(given["parameters"], given["base_url"], given["type"], given["id"])
    reached = running.checkpoint or {"types": given["types"], "after": None, "submitted": 0}
    types, after, submitted = reached["types"], reached["after"], reached["submitted"]
    while types:
        async for page, following in _pages(services, call, types[0], LINKED_TOGETHER, after):
            submitted += len(page)
            left = types if following else types[1:]
            checkpoint = {"types": left, "after": following, "submitted": submitted}
            await _link(services, running, types[0], page, checkpoint)
        types, after = types[1:], None
    await running.finish(Result(200, answer_parameters(("submitted", "decimal", submitted))))


async def _later(services: Services, call: Call, types: Sequence[str]) -> Answer:
    """Accepts the job, if what it is asked can be done at all."""
    if call.id is not None:
        await _source(services, types[0], call.id)
    for type in types:
        _filter(services, call, type)
    where_called: Json = {"base_url": call.base_url, "type": call.type, "id": call.id}
    given: Json = {"types": list(types), "parameters": call.parameters, **where_called}
    job = planned(services, SUBMIT, given)
    await accept(services, job)
    return accepted(call.base_url, job.id)


async def _link(
    services: Services, running: Running, type: str, page: Sequence[Pending], checkpoint: Json
) -> None:
    """Links these, or where others are at the same records leaves them to the queue; either way notes it."""
    progress = f"{checkpoint['submitted']} submitted"
    for attempt in range(ATTEMPTS):
        async with services.mdm.line if attempt else nullcontext():
            try:
                work = await relinking(services, type, page)
                await running.commit(work, progress=progress, checkpoint=checkpoint, linked=True)
                return
            except CONFLICTS:
                continue
    await running.commit(UnitOfWork(pending=page), progress=progress, checkpoint=checkpoint)
    services.mdm.waiting.set()


def _types(services: Services, call: Call) -> Sequence[str]:
    linked = services.mdm.linked_types
    asked = call.type or call.parameters.get("resourceType")
    if asked is not None and asked not in linked:
        raise InvalidValue(
            f"HAPI-1500: $mdm-submit does not support resource type: {asked:.64}",
            expression=where("resourceType"),
        )
    if asked is None and "criteria" in call.parameters:
        raise InvalidRequest("criteria are about one resourceType", expression=where("criteria"))
    return linked if asked is None else [asked]


async def _pages(
    services: Services, call: Call, type: str, unit: int, after: str | None = None
) -> AsyncIterator[tuple[list[Pending], str | None]]:
    """The sources that are meant, a unit at a time, each with where the next unit begins."""
    if call.id is not None:
        yield [await _source(services, type, call.id)], None
        return
    filter = _filter(services, call, type)
    while True:
        page = await services.store.search(Query(type, filter, unit, after=after))
        found = [Pending(type, s.id, s.version) for s in page.resources if not is_managed(s.resource)]
        if found:
            yield found, page.next
        if page.next is None:
            return
        after = page.next


async def _source(services: Services, type: str, id: str) -> Pending:
    stored = await read(services, type, id)
    if is_managed(stored.resource):
        raise InvalidRequest("a golden record is no source", expression=type)
    return Pending(type, stored.id, stored.version)


def _filter(services: Services, call: Call, type: str) -> Filter:
    pairs = parse_qsl(call.parameters.get("criteria", "").lstrip("?"), keep_blank_values=True)
    if not pairs:
        return EVERYTHING
    context = SearchContext(int(services.clock().timestamp() * 1000), call.base_url)
    return services.intake.search.request(type, pairs, context=context).filter
