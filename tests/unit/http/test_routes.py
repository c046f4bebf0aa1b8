"""The route table."""

from typing import Final

import pytest
from starlette.routing import Match

from fhir_mpi.definitions import DefinitionError, Definitions, load_definitions
from fhir_mpi.http.routes import FhirId, FhirType, NamedRoute, OperationRoutes, routes
from fhir_mpi.operations.table import OPERATIONS

DEFINITIONS: Final = load_definitions()


def named(base_path: str, definitions: Definitions = DEFINITIONS) -> list[NamedRoute]:
    operations, *others = routes(base_path, definitions, OPERATIONS)
    assert isinstance(operations, OperationRoutes)
    return [*operations.routes, *(route for route in others if isinstance(route, NamedRoute))]


def paths(base_path: str) -> list[str]:
    return [route.path for route in named(base_path)]


def test_every_path_stands_once() -> None:
    found = paths("/fhir")
    assert "/fhir/Patient/$match" in found
    assert {"/livez", "/readyz", "/fhir", "/fhir/", "/fhir/metadata"} <= set(found)
    assert len(set(found)) == len(found)


def test_a_server_at_the_root_has_one_path_for_its_base() -> None:
    found = paths("")
    assert "" not in found
    assert {"/", "/metadata", "/Patient/$match"} <= set(found)


def test_an_operation_without_a_definition_stops_the_start() -> None:
    with pytest.raises(DefinitionError, match="operation without a definition: guess"):
        routes("/fhir", DEFINITIONS, {**OPERATIONS, "guess": OPERATIONS["Patient-match"]})


@pytest.mark.parametrize("convertor", [FhirId(), FhirType()])
def test_ids_and_types_are_their_own_text(convertor: FhirId) -> None:
    assert convertor.to_string(convertor.convert("Patient")) == "Patient"


def test_a_route_can_name_its_url() -> None:
    (one,) = [route for route in named("/fhir") if route.path.endswith("_history/{version:fhir_id}")]
    assert one.path_format == "/fhir/{type}/{id}/_history/{version}"


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/fhir/Patient/$match", Match.FULL),
        ("GET", "/fhir/Patient/$match", Match.PARTIAL),
        ("POST", "/fhir/Patient/a/$match", Match.NONE),
        ("POST", "/fhir/Person/$match", Match.NONE),
        ("POST", "/fhir/Patient/$guess", Match.NONE),
        ("GET", "/fhir/Patient/match", Match.NONE),
    ],
)
def test_an_operation_is_found_by_its_whole_path(method: str, path: str, found: Match) -> None:
    operations = routes("/fhir", DEFINITIONS, OPERATIONS)[0]
    scope = {"type": "http", "method": method, "path": path}
    match, child = operations.matches(scope)
    assert match is found
    assert child.get("fhir_mpi.route") == (None if found is Match.NONE else path)
