"""$validate (https://hl7.org/fhir/R5/resource-operation-validate.html): the verdict, and nothing is stored.

The answer is 200 with an OperationOutcome whatever the verdict is: the operation has run.
"""

from collections.abc import Callable
from typing import Final

from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.outcome import (
    FhirError,
    InvalidRequest,
    InvalidValue,
    Issue,
    MissingParameter,
    operation_outcome,
)
from fhir_mpi.fhir.types import Resource
from fhir_mpi.interactions.reading import read
from fhir_mpi.interactions.services import Services
from fhir_mpi.interactions.writing import check_identity, check_type, require
from fhir_mpi.operations.call import Call

MODES: Final = frozenset({"create", "update", "delete", "profile"})
CLEAN: Final = Issue("informational", "No issues detected during validation", severity="information")
UNKNOWN: Final = Issue("not-found", "the profile to validate against is not known here")


async def validate(services: Services, call: Call) -> Resource:
    """What is wrong with a resource, and with what `mode` means to do with it."""
    mode = call.parameters.get("mode")
    if mode is not None and mode not in MODES:
        raise InvalidValue("mode is create, update, delete or profile", expression="Parameters.parameter")
    if mode in ("update", "delete") and call.id is None:
        raise InvalidRequest(f"{mode} is validated at [type]/[id]/$validate", expression="http")
    if mode == "delete":
        return _outcome(await _deletion(services, str(call.type), str(call.id)))
    resource = await _resource(services, call)
    return _outcome([*_acceptance(services, call, resource), *_content(services, call, resource)])


async def _resource(services: Services, call: Call) -> Resource:
    """The resource that was given, or else the current version of that in the URL."""
    given: Resource | None = call.parameters.get("resource")
    if given is not None:
        return given
    if call.id is None:
        raise MissingParameter("parameter resource is required", expression="Parameters.parameter")
    return decode((await read(services, str(call.type), call.id)).json)


async def _deletion(services: Services, type: str, id: str) -> list[Issue]:
    found = _refusals(lambda: require(services, type, "delete"))
    try:
        await read(services, type, id)
    except FhirError as refusal:
        found += refusal.issues
    return found


def _acceptance(services: Services, call: Call, resource: Resource) -> list[Issue]:
    """Whether the server would take the resource there, and do with it what is meant."""
    type, mode = str(call.type), call.parameters.get("mode")
    if mode == "create" and call.id is not None:
        raise InvalidRequest("create is validated at [type]/$validate", expression="http")
    found = _refusals(lambda: require(services, type, mode)) if mode in ("create", "update") else []
    if mode == "update":
        return found + _refusals(lambda: check_identity(type, str(call.id), resource))
    return found + _refusals(lambda: check_type(type, resource))


def _content(services: Services, call: Call, resource: Resource) -> list[Issue]:
    validator, profile = services.intake.validator, call.parameters.get("profile")
    if profile is None or validator.knows(profile):
        return validator.issues(resource, profile)
    return [UNKNOWN, *validator.issues(resource)]


def _refusals(check: Callable[[], None]) -> list[Issue]:
    try:
        check()
    except FhirError as refusal:
        return list(refusal.issues)
    return []


def _outcome(issues: list[Issue]) -> Resource:
    return operation_outcome(issues or [CLEAN])
