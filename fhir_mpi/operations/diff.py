"""$diff, as HAPI has it: what makes one version, or one resource, of another."""

import re
from typing import Final

from fhir_mpi.fhir.difference import difference
from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.outcome import InvalidRequest, InvalidValue
from fhir_mpi.fhir.references import LOGICAL_ID
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.reading import read, read_version
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations.call import Call

NAMED: Final = re.compile(rf"([A-Z][A-Za-z]*)/({LOGICAL_ID})(?:/_history/({LOGICAL_ID}))?")


async def diff(services: Services, call: Call) -> Resource:
    """What the current version changed of another one, the one before it by default.

    A resource without a version before it, or restored from deletion, came into being as a whole.
    NotFound or Gone where a version that is named isn't there to be compared.
    """
    type, id, named = str(call.type), str(call.id), call.parameters.get("fromVersion")
    stored = await read(services, type, id)
    if named is not None:
        old = decode((await read_version(services, type, id, named)).json)
    else:
        before = await services.store.read_version(type, id, stored.version - 1)
        old = {"resourceType": type} if before is None or before.deleted else decode(before.json)
    return _answer(call, old, decode(stored.json))


async def diff_of_two(services: Services, call: Call) -> Resource:
    """What makes `to` of `from`, both of one type."""
    old, new = [await _resource(services, call, name) for name in ("from", "to")]
    if old["resourceType"] != new["resourceType"]:
        raise InvalidRequest("only resources of one type can be compared", expression=_where("to"))
    return _answer(call, old, new)


async def _resource(services: Services, call: Call, name: str) -> Resource:
    """The current version, or the one named, of `Patient/1` or `Patient/1/_history/2`."""
    found = NAMED.fullmatch(call.parameters[name].removeprefix(f"{call.base_url}/"))
    if found is None:
        raise InvalidValue(f"{name} is like Patient/1 or Patient/1/_history/2", expression=_where(name))
    type, id, version = found.groups()
    if version is None:
        return decode((await read(services, type, id)).json)
    return decode((await read_version(services, type, id, version)).json)


def _answer(call: Call, old: Resource, new: Resource) -> Resource:
    return difference(old, new, meta=call.parameters.get("includeMeta", False))


def _where(name: str) -> str:
    return f"Parameters.parameter.where(name='{name}').value"
