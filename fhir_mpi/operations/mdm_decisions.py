"""$mdm-update-link, $mdm-create-link, $mdm-not-duplicate, $mdm-merge-golden-resources: what a person decides.

Checks, their order, codes and texts are HAPI's.
"""

from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.operation_answer import answer_parameters
from fhir_mpi.fhir.outcome import InvalidRequest
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions import deciding
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import MatchResult
from fhir_mpi.mdm.tags import is_excluded, is_managed
from fhir_mpi.operations.call import Call
from fhir_mpi.operations.mdm_parameters import golden_record, match_result, record, where
from fhir_mpi.storage.port import Stored

UPDATABLE: Final = frozenset({MatchResult.MATCH, MatchResult.NO_MATCH})
CREATABLE: Final = UPDATABLE | {MatchResult.POSSIBLE_MATCH}
UPDATE_CODES: Final = ("HAPI-0740", "HAPI-0741", "HAPI-0742", "HAPI-0743", "HAPI-0744")
CREATE_CODES: Final = ("HAPI-0755", "HAPI-0756", "HAPI-0757", "HAPI-0758", "HAPI-0759")
UNMANAGED: Final = (
    "Only MDM managed resources can be merged. MDM managed resources must have the HAPI-MDM tag."
)


async def update_link(services: Services, call: Call) -> Resource:
    """The golden record, after a person said whether a source matches it."""
    golden = await golden_record(services, call, "goldenResourceId")
    source = await record(services, call, "resourceId")
    result = match_result(call)
    if result not in UPDATABLE:
        raise InvalidRequest(
            "HAPI-0739: Match Result may only be set to NO_MATCH or MATCH", expression=where("matchResult")
        )
    _check_pair(services, golden, source, UPDATE_CODES)
    return decode((await deciding.update_link(services, golden, source, result)).json)


async def create_link(services: Services, call: Call) -> Resource:
    """The golden record, after a person linked a source to it."""
    golden = await golden_record(services, call, "goldenResourceId")
    source = await record(services, call, "resourceId")
    result = match_result(call) or MatchResult.MATCH
    if result not in CREATABLE:
        raise InvalidRequest(
            "Match Result may only be set to MATCH, POSSIBLE_MATCH or NO_MATCH",
            expression=where("matchResult"),
        )
    _check_pair(services, golden, source, CREATE_CODES)
    return decode((await deciding.create_link(services, golden, source, result)).json)


async def not_duplicate(services: Services, call: Call) -> Resource:
    """Success, after a person said that two golden records stand for two."""
    golden = await golden_record(services, call, "goldenResourceId")
    other = await golden_record(services, call, "resourceId")
    if golden.type != other.type:
        raise InvalidRequest(
            "HAPI-0747: First argument to $mdm-update-link must be the same resource type as the second"
            f" argument.  Was {golden.type}/{other.type}"
        )
    if not is_managed(golden.resource) or not is_managed(other.resource):
        raise InvalidRequest(
            "HAPI-0748: Only MDM Managed Golden Resources may be updated via this operation.  The resource"
            " provided is not tagged as managed by HAPI-MDM"
        )
    await deciding.not_duplicate(services, golden, other)
    return answer_parameters(("success", "boolean", True))


async def merge_goldens(services: Services, call: Call) -> Resource:
    """The golden record that survives."""
    retired = await golden_record(services, call, "fromGoldenResourceId")
    survivor = await golden_record(services, call, "toGoldenResourceId")
    for parameter, golden in (("fromGoldenResourceId", retired), ("toGoldenResourceId", survivor)):
        if not services.mdm.links(golden.type):
            raise InvalidRequest(
                f"HAPI-1503: Only [{_types(services)}] resources can be merged. The {parameter} points to a"
                f" {golden.type}",
                expression=where(parameter),
            )
        if not is_managed(golden.resource):
            raise InvalidRequest(f"HAPI-1504: {UNMANAGED}", expression=where(parameter))
    if (retired.type, retired.id) == (survivor.type, survivor.id) or retired.type != survivor.type:
        raise InvalidRequest(
            "two golden records of one type are merged, one into the other",
            expression=where("toGoldenResourceId"),
        )
    given = call.parameters.get("resource")
    if given is not None and given["resourceType"] != survivor.type:
        raise InvalidRequest(f"the resource is no {survivor.type}", expression="Parameters.parameter")
    return decode((await deciding.merge_goldens(services, retired, survivor, given)).json)


def _check_pair(services: Services, golden: Stored, source: Stored, codes: tuple[str, ...]) -> None:
    """What HAPI asks of a golden record and a source: the same of an update and of a creation."""
    first, second, unlike, unmanaged, excluded = codes
    types = _types(services)
    if not services.mdm.links(golden.type):
        raise InvalidRequest(
            f"{first}: First argument to $mdm-update-link must be a [{types}].  Was {golden.type}",
            expression=where("goldenResourceId"),
        )
    if not services.mdm.links(source.type):
        raise InvalidRequest(
            f"{second}: Second argument to $mdm-update-link must be a [{types}].  Was {source.type}",
            expression=where("resourceId"),
        )
    if golden.type != source.type:
        raise InvalidRequest(
            f"{unlike}: Arguments to $mdm-update-link must be of the same type. Were {golden.type} and"
            f" {source.type}",
            expression=where("resourceId"),
        )
    if not is_managed(golden.resource):
        raise InvalidRequest(f"{unmanaged}: {UNMANAGED}", expression=where("goldenResourceId"))
    if is_excluded(source.resource):
        raise InvalidRequest(
            f"{excluded}: The source resource is marked with the NO-MDM tag which means it may not be MDM"
            " linked.",
            expression=where("resourceId"),
        )
    if is_managed(source.resource):
        raise InvalidRequest(
            "a golden record is no source: use $mdm-merge-golden-resources", expression=where("resourceId")
        )


def _types(services: Services) -> str:
    return ", ".join(services.mdm.linked_types)
