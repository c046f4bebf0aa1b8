"""$lookup-eid: under which enterprise identifier is this person or organization known?"""

from typing import Final

from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import InvalidRequest, MissingParameter, NotFound
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.identities import identities_of
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.eid import INTERNAL
from fhir_mpi.mdm.identifiers import current_identifiers
from fhir_mpi.mdm.identity import Identity
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.holders import holder, token

WHERE: Final = "Parameters.parameter.where(name='identifier').value"


async def lookup_eid(services: Services, call: Call) -> Resource:
    """The enterprise identifiers of a golden record, its id, and those of its source records.

    NotFound where the record, or the one that has the identifier, has no golden record.
    """
    type = call.type or ""
    found = await _identity(services, call, type)
    if found.golden is None:
        raise NotFound(f"this {type} has no golden record")
    golden = await read(services, type, found.golden)
    given = services.mdm.rules.eids.of(golden.resource)
    eids = [
        identifier
        for identifier in current_identifiers(golden.resource, services.clock())
        if identifier["system"] == INTERNAL or (identifier["system"], identifier["value"]) in given
    ]
    return answer_parameters(
        *(("eid", "Identifier", eid) for eid in eids),
        ("goldenResourceId", "string", f"{type}/{found.golden}"),
        *(("sourceResourceId", "string", f"{type}/{source}") for source in found.sources),
    )


async def _identity(services: Services, call: Call, type: str) -> Identity:
    text = call.parameters.get("identifier")
    if call.id is None:
        if text is None:
            raise MissingParameter("name a record or an identifier", expression=WHERE)
        return await holder(services, type, token(text, WHERE), WHERE)
    if text is not None:
        raise InvalidRequest("a record that is named needs no identifier", expression=WHERE)
    await read(services, type, call.id)
    return (await identities_of(services, type, [call.id]))[call.id]
