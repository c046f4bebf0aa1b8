"""$expunge: remove for good, as HAPI FHIR has it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue, MissingParameter, NotFound, TooCostly
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations.call import Call
from fhir_mpi.storage.port import Expunge, ExpungeKind

DEFAULT: Final = 1000
"""HAPI's own limit of a call."""
KINDS: Final = {
    "expungeEverything": ExpungeKind.EVERYTHING,
    "expungeDeletedResources": ExpungeKind.DELETED,
    "expungePreviousVersions": ExpungeKind.PREVIOUS,
}
WHERE: Final = "Parameters.parameter.where(name='{}').value"


async def expunge(services: Services, call: Call) -> Resource:
    """The number of versions removed. NotFound for a resource that never was, MissingParameter where
    nothing is asked to go, InvalidValue or TooCostly for a limit of no use.
    """
    kinds = _kinds(call)
    limit = _limit(call.parameters, services.limits.bundle_entries, ExpungeKind.EVERYTHING in kinds)
    if call.type is not None and call.id is not None:
        await _require_known(services, call.type, call.id)
    gone = 0
    for each in _steps(services, call, kinds):
        if gone < limit:
            gone += await services.store.expunge(replace(each, limit=limit - gone))
    return answer_parameters(("count", "integer", gone))


async def _require_known(services: Services, type: str, id: str) -> None:
    if not await services.store.heads(type, [id]):
        raise NotFound(f"{type}/{id} is not known")


def _kinds(call: Call) -> list[ExpungeKind]:
    found = [kind for name, kind in KINDS.items() if call.parameters.get(name)]
    if not found:
        raise MissingParameter(
            "nothing is asked to go; expungeDeletedResources and expungePreviousVersions say what may",
            expression="Parameters",
        )
    if ExpungeKind.EVERYTHING in found and call.type is not None:
        raise InvalidRequest(
            "everything can only be removed of the whole system",
            expression=WHERE.format("expungeEverything"),
        )
    return found


def _limit(parameters: Json, most: int, everything: bool) -> int:
    limit: int = parameters.get("limit", most if everything else min(DEFAULT, most))
    if limit < 1:
        raise InvalidValue("Expunge limit may not be less than 1", expression=WHERE.format("limit"))
    if limit > most:
        raise TooCostly(f"at most {most} versions go in one call", expression=WHERE.format("limit"))
    return limit


def _steps(services: Services, call: Call, kinds: list[ExpungeKind]) -> Iterator[Expunge]:
    types = services.definitions.types if call.type is None else (call.type,)
    for kind in kinds:
        for type in types:
            yield Expunge(type, kind, limit=0, id=call.id)
