"""What the server answers is FHIR itself, by its own validator and by the fhir.resources models."""

from typing import Any, Final

import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.operationoutcome import OperationOutcome
from httpx import AsyncClient, Response

from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.json import decode
from fhir_mpi.fhir.validation import Validator
from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    match,
    patient,
    person,
    put,
    send,
    surname,
)

MODELS: Final[dict[str, Any]] = {"Bundle": Bundle, "OperationOutcome": OperationOutcome}
VALIDATOR: Final = Validator(["Bundle", "OperationOutcome"], load_definitions().profiles)


@pytest.fixture
async def known(client: AsyncClient) -> Json:
    """Somebody with two versions, in a family with two records."""
    family = surname()
    await create(client, person(family))
    first = await create(client, person(family))
    await put(client, {**first, "active": True})
    return first


def check(response: Response) -> Json:
    resource = decode(response.content)
    assert VALIDATOR.issues(resource) == []
    MODELS[resource["resourceType"]].model_validate_json(response.content)
    return resource


async def test_the_answer_of_match_is_valid(client: AsyncClient, known: Json) -> None:
    found = check(await match(client, {key: known[key] for key in known if key not in ("id", "meta")}))
    assert found["total"] == 2
    check(await match(client, person(surname())))


async def test_searchsets_are_valid(client: AsyncClient, known: Json) -> None:
    check(await client.get(f"/Patient?_id={known['id']}&_count=1"))
    check(await client.get("/Patient?_id=nobody"))
    check(await client.get("/Patient?_id=nobody&shoe-size=1", headers={"prefer": "handling=lenient"}))


async def test_histories_are_valid(client: AsyncClient, known: Json) -> None:
    await client.delete(f"/Patient/{known['id']}")
    found = check(await client.get(f"/Patient/{known['id']}/_history"))
    assert len(found["entry"]) == 3


@pytest.mark.parametrize("prefer", ["minimal", "representation", "OperationOutcome"])
@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_answers_to_bundles_are_valid(client: AsyncClient, known: Json, type: str, prefer: str) -> None:
    one, other = f"Patient/{known['id']}", await create(client, patient(active=True))
    entries = [
        entry("GET", one),
        entry("GET", "Patient/nobody"),
        entry("POST", "Patient", patient(active=True)),
        entry("PUT", one, known),
        entry("DELETE", f"Patient/{other['id']}"),
        entry("DELETE", "Patient/nobody"),
    ]
    refused = [{}, entry("POST", "Patient", patient(nick=1))] if type == "batch" else []
    headers = {"prefer": f"return={prefer}"}
    found = check(await send(client, "POST", "/", bundle(type, *entries, *refused), headers))
    assert found["type"] == f"{type}-response"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/Patient/nobody"),
        ("DELETE", "/Patient/nobody"),
        ("PUT", "/"),
        ("GET", "/Patient?x=1"),
        ("GET", "/;"),
    ],
)
async def test_outcomes_are_valid(client: AsyncClient, method: str, path: str) -> None:
    check(await client.request(method, path))
