"""$ihe-pix: by what other identifiers is this patient known? (IHE ITI-83, PIXm 3.1.0)"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import UnknownSystem, UnknownTarget
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.identifiers import current_identifiers
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.holders import Token, holder, is_known_system, token
from fhir_mpi.storage.port import Stored

PATIENT: Final = "Patient"
SOURCE: Final = "Parameters.parameter.where(name='sourceIdentifier').value"
TARGET: Final = "Parameters.parameter.where(name='targetSystem').value"
TOLD: Final = ("use", "type", "system", "value", "period", "assigner")


async def ihe_pix(services: Services, call: Call) -> Resource:
    """The current identifiers of the person who has the one given, and the Patients that have them.

    Raises what ITI-83 names: UnknownSystem for a source domain and UnknownTarget for a target domain
    that no record has an identifier of, NotFound for an identifier that is nobody's now; and Ambiguous
    where it is that of several records that no link unites.
    """
    wanted = token(call.parameters["sourceIdentifier"], SOURCE)
    targets = frozenset(call.parameters.get("targetSystem", ()))
    await _require_systems(services, wanted, sorted(targets))
    person = await holder(services, PATIENT, wanted, SOURCE)
    records = await services.store.read_many(PATIENT, person.members)
    now = services.clock()
    known = {record.id: _known(record, targets, now, golden=record.id == person.golden) for record in records}
    return _answer(call.base_url, known, wanted)


async def _require_systems(services: Services, wanted: Token, targets: Sequence[str]) -> None:
    if not await is_known_system(services, PATIENT, wanted.system):
        raise UnknownSystem("sourceIdentifier Assigning Authority not found", expression=SOURCE)
    for system in targets:
        if not await is_known_system(services, PATIENT, system):
            raise UnknownTarget("targetSystem not found", expression=TARGET)


def _known(record: Stored, targets: Collection[str], now: datetime, *, golden: bool) -> Sequence[Json] | None:
    """The identifiers of a record in the target domains; None where the record itself is not meant."""
    found = [
        identifier
        for identifier in current_identifiers(record.resource, now, golden=golden)
        if not targets or identifier["system"] in targets
    ]
    return found if found or (not targets and record.resource.get("active", True)) else None


def _answer(base_url: str, known: Mapping[str, Sequence[Json] | None], wanted: Token) -> Resource:
    identifiers: dict[tuple[str, str], Json] = {}
    for each in (identifier for found in known.values() for identifier in found or ()):
        identifiers.setdefault((each["system"], each["value"]), each)
    identifiers.pop((wanted.system, wanted.value), None)
    ids = [id for id, found in known.items() if found is not None]
    return answer_parameters(
        *(("targetIdentifier", "Identifier", _told(each)) for each in identifiers.values()),
        *(("targetId", "Reference", {"reference": f"{base_url}/{PATIENT}/{id}"}) for id in ids),
    )


def _told(identifier: Json) -> Json:
    return {name: identifier[name] for name in TOLD if name in identifier}
