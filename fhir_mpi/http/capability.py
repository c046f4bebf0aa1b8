"""GET [base]/metadata."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fhir_mpi import __version__
from fhir_mpi.fhir.capability import capability_statement
from fhir_mpi.fhir.outcome import InvalidValue
from fhir_mpi.fhir.types import Json, Resource
from fhir_mpi.http.responses import fhir_response
from fhir_mpi.http.state import base_url, server
from fhir_mpi.interactions.services import Limits, Services
from fhir_mpi.interactions.ways import NOT_ALLOWED, Ways
from fhir_mpi.operations.table import offered
from fhir_mpi.search.identity import linked_targets

FOLLOWED: Final = "With :mdm, any record that links say is the same will do."


async def metadata(request: Request) -> Response:
    """The CapabilityStatement of this very server (R5 http.html#capabilities)."""
    if request.query_params.get("mode", "full") != "full":
        raise InvalidValue("mode is full; the other modes are not offered", expression="http.mode")
    return fhir_response(request, statement(request))


def statement(request: Request) -> Resource:
    """What this server is for this client, `[base]/CapabilityStatement/[id]` too."""
    own = server(request)
    services, definitions = own.services, own.services.definitions
    found = capability_statement(
        definitions.statement,
        operations=offered(definitions.operations.values(), services.limits),
        search_parameters={type: _search_parameters(services, type) for type in definitions.types},
        published=own.published.capabilities(),
        base_url=base_url(request),
        software_version=__version__,
    )
    for entry in found["rest"][0]["resource"]:
        _follow_settings(entry, services.limits, services.ways)
        if entry["type"] in definitions.types:
            _tell_of_links(entry, services)
    return found


def _tell_of_links(entry: Json, services: Services) -> None:
    """Says which parameters follow links; SearchParameter.modifier has no code for that."""
    known = services.intake.search.parameters(entry["type"])
    told = []
    for parameter in entry.get("searchParam", ()):
        code = parameter["name"]
        if linked_targets(known[code], services.matchers.keys()):
            said = " ".join(filter(None, (parameter.get("documentation"), FOLLOWED)))
            parameter = {**parameter, "documentation": said}
        told.append(parameter)
    if told:
        entry["searchParam"] = told


def _follow_settings(entry: Json, limits: Limits, ways: Ways) -> None:
    """Says of one type what settings decide, which no definition knows."""
    if limits.delete_several and entry.get("conditionalDelete") == "single":
        entry["conditionalDelete"] = "multiple"
    if limits.if_match_required and entry.get("versioning") == "versioned":
        entry["versioning"] = "versioned-update"
    if ways.client_ids == NOT_ALLOWED and "updateCreate" in entry:
        entry["updateCreate"] = False


def _search_parameters(services: Services, type: str) -> list[Resource]:
    known = services.intake.search.parameters(type)
    return [parameter.definition for _, parameter in sorted(known.items())]
