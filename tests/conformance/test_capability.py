"""The CapabilityStatement is true: valid, and whatever it declares answers on both stores."""

from typing import Any, Final

import pytest
from fhir.resources.capabilitystatement import CapabilityStatement
from fhirclient.models.capabilitystatement import CapabilityStatement as R4CapabilityStatement
from httpx import AsyncClient

from fhir_mpi import __version__
from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.validation import Validator
from fhir_mpi.interactions.services import Limits
from fhir_mpi.operations.table import offered
from tests.integration.http.exchanges import Json, bundle, outcome, send
from tests.integration.http.serving import BASE

DEFINITIONS: Final = load_definitions()
LIMITS: Final = Limits(50, 100, 20, 1000, True, 10_000)
VALUES: Final = {
    "string": "x",
    "token": "x",
    "date": "2020-01-01",
    "reference": "Patient/1",
    "uri": "urn:x",
    "number": "1",
    "quantity": "1",
}
REQUESTS: Final = {
    "read": ("GET", "/{type}/1"),
    "vread": ("GET", "/{type}/1/_history/1"),
    "update": ("PUT", "/{type}/1"),
    "patch": ("PATCH", "/{type}/1"),
    "delete": ("DELETE", "/{type}/none"),
    "history-instance": ("GET", "/{type}/1/_history"),
    "history-type": ("GET", "/{type}/_history"),
    "create": ("POST", "/{type}"),
    "search-type": ("GET", "/{type}?_count=0"),
}


@pytest.fixture
async def statement(client: AsyncClient) -> Json:
    response = await client.get("/metadata")
    assert response.status_code == 200
    found: Json = response.json()
    return found


def resources(statement: Json) -> list[Any]:
    found: list[Any] = statement["rest"][0]["resource"]
    return found


async def test_the_statement_is_valid_r5(statement: Json) -> None:
    assert Validator(["CapabilityStatement"], DEFINITIONS.profiles).issues(statement) == []
    CapabilityStatement.model_validate(statement)


async def test_the_statement_parses_with_r4_models_that_allow_nothing_more(statement: Json) -> None:
    assert R4CapabilityStatement(statement, strict=True).fhirVersion == "5.0.0"


async def test_the_statement_says_who_answers_and_where(statement: Json) -> None:
    assert statement["software"] == {"name": "fhir_mpi", "version": __version__}
    assert statement["implementation"]["url"] == BASE
    assert (statement["kind"], statement["fhirVersion"]) == ("instance", "5.0.0")


def operations(declared: Json) -> dict[str, str]:
    """Name -> canonical of what a type or the whole system declares."""
    return {operation["name"]: operation["definition"] for operation in declared.get("operation", [])}


async def test_match_is_declared_under_the_canonical_of_the_specification(statement: Json) -> None:
    declared = {resource["type"]: operations(resource) for resource in resources(statement)}
    assert declared["Patient"]["match"] == "http://hl7.org/fhir/OperationDefinition/Patient-match"
    assert "match" in declared["Organization"]
    assert "match" not in declared["Person"]


def places(statement: Json) -> dict[tuple[str, str], str]:
    """Path and name -> canonical of every place at which the statement declares an operation."""
    found = {("", name): url for name, url in operations(statement["rest"][0]).items()}
    for resource in resources(statement):
        found |= {(resource["type"], name): url for name, url in operations(resource).items()}
    return found


async def test_every_declared_operation_answers_and_every_definition_is_declared(
    client: AsyncClient, statement: Json
) -> None:
    """Called without a body: whatever that answers, it is the operation's own answer."""
    definitions = {d["url"]: d for d in offered(DEFINITIONS.operations.values(), LIMITS)}
    declared = places(statement)
    assert set(declared.values()) == set(definitions)
    for (type, name), url in declared.items():
        definition = definitions[url]
        at_all = definition["type"] if type else definition["system"]
        path = f"/{type}/${name}" if type and at_all else f"/{type}/1/${name}" if type else f"/${name}"
        response = await send(client, "POST", path)
        assert response.status_code in (200, 400, 404), (path, response.text)
        assert "how to handle this path" not in response.text, path
        unlike = "DELETE", "PUT"
        for method in unlike:
            refused = await client.request(method, path)
            assert refused.status_code == 405, path
            assert "POST" in refused.headers["allow"]


@pytest.mark.parametrize("type", DEFINITIONS.types)
async def test_every_declared_interaction_is_offered_and_no_other(
    client: AsyncClient, statement: Json, type: str
) -> None:
    (resource,) = [r for r in resources(statement) if r["type"] == type]
    declared = {i["code"] for i in resource["interaction"]}
    for code, (method, path) in REQUESTS.items():
        response = await client.request(method, path.format(type=type))
        assert (response.status_code != 405) == (code in declared), code
        assert not (response.status_code == 404 and "no such resource type" in response.text)


@pytest.mark.parametrize("type", DEFINITIONS.types)
async def test_every_declared_search_parameter_answers(
    client: AsyncClient, statement: Json, type: str
) -> None:
    (resource,) = [r for r in resources(statement) if r["type"] == type]
    names = [p["name"] for p in resource["searchParam"]]
    assert len(set(names)) == len(names) > 5
    for parameter in resource["searchParam"]:
        search = {parameter["name"]: VALUES[parameter["type"]], "_count": "0"}
        response = await client.get(f"/{type}", params=search)
        assert response.status_code == 200, response.text
        assert parameter["name"] in response.json()["link"][0]["url"]


@pytest.mark.parametrize("type", DEFINITIONS.types)
async def test_what_is_conditional_is_declared_as_it_is_handled(
    client: AsyncClient, statement: Json, type: str
) -> None:
    (resource,) = [r for r in resources(statement) if r["type"] == type]
    assert resource["conditionalRead"] == "full-support"
    assert resource["conditionalCreate"]
    assert resource["conditionalUpdate"]
    assert resource["conditionalDelete"] == "single"
    outcome(await client.put(f"/{type}?_id=never"), 400, "structure")
    outcome(await client.post(f"/{type}", headers={"if-none-exist": "_id=never"}), 400, "structure")
    assert (await client.delete(f"/{type}?_id=never")).status_code == 200


async def test_every_declared_format_and_system_interaction_answers(
    client: AsyncClient, statement: Json
) -> None:
    for name in statement["format"]:
        response = await client.get("/metadata", params={"_format": name})
        assert response.status_code == 200
    codes = [i["code"] for i in statement["rest"][0]["interaction"]]
    assert codes == ["batch", "transaction", "history-system", "search-system"]
    assert (await client.get("/_history?_count=1")).status_code == 200
    assert (await client.get("/?_type=Patient&_count=1")).status_code == 200
    for type in ("batch", "transaction"):
        response = await send(client, "POST", "", {k: v for k, v in bundle(type).items() if v})
        assert response.status_code == 200


async def test_every_declared_patch_format_is_taken(client: AsyncClient, statement: Json) -> None:
    bodies = {
        "application/fhir+json": b'{"resourceType": "Parameters"}',
        "application/json-patch+json": b"[]",
        "application/merge-patch+json": b"{}",
    }
    assert statement["patchFormat"] == list(bodies)
    for name, body in bodies.items():
        response = await client.patch("/Patient/never", content=body, headers={"content-type": name})
        outcome(response, 404, "not-found")


@pytest.mark.parametrize(
    ("mode", "status"), [("full", 200), ("normative", 400), ("terminology", 400), ("", 400)]
)
async def test_only_the_full_statement_is_offered(client: AsyncClient, mode: str, status: int) -> None:
    assert (await client.get("/metadata", params={"mode": mode})).status_code == status


async def test_the_statement_follows_the_address_that_the_client_uses(client: AsyncClient) -> None:
    found = await client.get("/metadata", headers={"host": "mpi.example:8443"})
    assert found.json()["implementation"]["url"] == "http://mpi.example:8443/fhir"
