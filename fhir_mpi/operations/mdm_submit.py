"""$mdm-submit: sources are to be linked anew, as after a change of model, rules or settings."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from urllib.parse import parse_qsl

from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.waiting import drain
from fhir_mpi.mdm.tags import is_managed
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.mdm_parameters import where
from fhir_mpi.search.filters import EVERYTHING, Filter, Query
from fhir_mpi.search.term import SearchContext
from fhir_mpi.storage.port import Pending, UnitOfWork

UNIT: Final = 500
AT_ONCE: Final = 100
"""So many sources at most are linked before the answer; more of them right after."""


async def submit(services: Services, call: Call) -> Resource:
    """How many sources were put into the queue: one, those that meet the criteria, or all."""
    submitted = 0
    for type in _types(services, call):
        async for page in _pages(services, call, type):
            await services.store.commit(UnitOfWork((), pending=page))
            submitted += len(page)
    if submitted <= AT_ONCE:
        await drain(services)
    services.mdm.waiting.set()
    return answer_parameters(("submitted", "decimal", submitted))


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


async def _pages(services: Services, call: Call, type: str) -> AsyncIterator[list[Pending]]:
    """The sources that are meant, a unit at a time."""
    if call.id is not None:
        stored = await read(services, type, call.id)
        if is_managed(stored.resource):
            raise InvalidRequest("a golden record is no source", expression=type)
        yield [Pending(type, stored.id, stored.version)]
        return
    filter, after = _filter(services, call, type), None
    while True:
        page = await services.store.search(Query(type, filter, UNIT, after=after))
        found = [Pending(type, s.id, s.version) for s in page.resources if not is_managed(s.resource)]
        if found:
            yield found
        if page.next is None:
            return
        after = page.next


def _filter(services: Services, call: Call, type: str) -> Filter:
    pairs = parse_qsl(call.parameters.get("criteria", "").lstrip("?"), keep_blank_values=True)
    if not pairs:
        return EVERYTHING
    context = SearchContext(int(services.clock().timestamp() * 1000), call.base_url)
    return services.intake.search.request(type, pairs, context=context).filter
