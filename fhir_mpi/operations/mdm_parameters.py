"""How the $mdm operations name records, and what they refuse: HAPI's statuses, codes and texts."""

import re
from typing import Final

from fhir_mpi.fhir.outcome import Conflict, InvalidRequest, InvalidValue
from fhir_mpi.fhir.references import LOGICAL_ID
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.mdm.link import MatchResult
from fhir_mpi.mdm.tags import GOLDEN, has_tag
from fhir_mpi.operations.call import Call
from fhir_mpi.storage.port import Stored

NAMED: Final = re.compile(rf"([A-Z][A-Za-z]*)/({LOGICAL_ID})(?:/_history/({LOGICAL_ID}))?")
FORM: Final = (
    "must have form <resourceType>/<id>  where <id> is the id of the resource and <resourceType> is the type"
    " of the resource"
)


def named(call: Call, parameter: str, text: str) -> tuple[str, str, str | None]:
    """Type, id and version of `Patient/1` or `Patient/1/_history/2`."""
    found = NAMED.fullmatch(text.removeprefix(f"{call.base_url}/"))
    if found is None:
        raise InvalidRequest(f"HAPI-1505: {parameter} is '{text:.200}'.  {FORM}", expression=where(parameter))
    type, id, version = found.groups()
    return type, id, version


async def record(services: Services, call: Call, parameter: str) -> Stored:
    """The record that a required parameter names. NotFound or Gone where it isn't there, Conflict where
    it is named in another version than the latest.
    """
    text = call.parameters[parameter]
    type, id, version = named(call, parameter, text)
    stored = await read(services, type, id)
    if version is not None and version != str(stored.version):
        raise Conflict(
            f"HAPI-1501: Requested resource {text} is not the latest version.  Latest version is"
            f" {stored.version}",
            expression=where(parameter),
        )
    return stored


async def golden_record(services: Services, call: Call, parameter: str) -> Stored:
    """The golden record that a required parameter names."""
    stored = await record(services, call, parameter)
    if not has_tag(stored.resource, GOLDEN):
        raise InvalidRequest(
            f"HAPI-1502: {stored.type}/{stored.id} used as parameter [{parameter}] could not be loaded as a"
            " golden resource, as it appears to be lacking the golden resource meta tags.",
            expression=where(parameter),
        )
    return stored


def match_result(call: Call, parameter: str = "matchResult") -> MatchResult | None:
    """The result that a parameter names; InvalidValue where there is no such result."""
    text = call.parameters.get(parameter)
    if text is None:
        return None
    if text not in set(MatchResult):
        raise InvalidValue(f"{parameter} is one of {', '.join(MatchResult)}", expression=where(parameter))
    return MatchResult(text)


def where(parameter: str) -> str:
    return f"Parameters.parameter.where(name='{parameter}').value"
