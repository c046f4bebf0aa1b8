"""The route table."""

from typing import Final

import pytest

from fhir_mpi.definitions import DefinitionError, Definitions, load_definitions
from fhir_mpi.http.routes import FhirId, FhirType, NamedRoute, routes
from fhir_mpi.operations.table import OPERATIONS

DEFINITIONS: Final = load_definitions()


def paths(base_path: str, definitions: Definitions = DEFINITIONS) -> list[str]:
    return [route.path for route in routes(base_path, definitions, OPERATIONS)]


def test_operations_come_before_what_a_type_and_an_id_could_mean() -> None:
    found = paths("/fhir")
    assert found.index("/fhir/Patient/$match") < found.index("/fhir/{type:fhir_type}/{id:fhir_id}")
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
    (one,) = [
        r for r in routes("/fhir", DEFINITIONS, OPERATIONS) if r.path.endswith("_history/{version:fhir_id}")
    ]
    assert isinstance(one, NamedRoute)
    assert one.path_format == "/fhir/{type}/{id}/_history/{version}"
