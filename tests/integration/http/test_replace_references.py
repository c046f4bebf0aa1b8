"""$hapi.fhir.replace-references: others refer to another resource, which stays as it is."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import create, outcome, send
from tests.integration.http.merges import now, reference, two
from tests.integration.http.serving import Serve
from tests.integration.http.test_jobs import LATER, QUICK, ask


async def replace(
    client: AsyncClient, source: str, target: str, limit: int | None = None, headers: Any = None
) -> Response:
    given: list[dict[str, Any]] = [
        {"name": "source-reference-id", "valueString": source},
        {"name": "target-reference-id", "valueString": target},
    ]
    if limit is not None:
        given.append({"name": "resource-limit", "valueUnsignedInt": limit})
    body = {"resourceType": "Parameters", "parameter": given}
    return await send(client, "POST", "/$hapi.fhir.replace-references", body, headers)


async def family(client: AsyncClient, number: int) -> tuple[str, str, list[Any]]:
    """What is referred to, what is to be, and who refers."""
    source, target = await two(client)
    kin = {"resourceType": "RelatedPerson", "patient": reference(source)}
    others = [await create(client, kin) for _ in range(number)]
    return f"Patient/{source['id']}", f"Patient/{target['id']}", others


async def test_everybody_refers_to_the_other_one(client: AsyncClient) -> None:
    source, target, others = await family(client, 2)
    before = [(await client.get(f"/{place}")).json() for place in (source, target)]
    response = await replace(client, source, target)
    assert response.status_code == 200
    (part,) = response.json()["parameter"]
    assert part["name"] == "outcome"
    entries = part["resource"]["entry"]
    assert {e["response"]["location"] for e in entries} == {
        f"RelatedPerson/{other['id']}/_history/2" for other in others
    }
    code = entries[0]["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"]
    assert code == "SUCCESSFUL_PATCH"
    assert [(await now(client, o))["patient"]["reference"] for o in others] == [target] * 2
    assert [(await client.get(f"/{place}")).json() for place in (source, target)] == before
    again = await replace(client, source, target)
    assert again.json()["parameter"][0]["resource"] == {
        "resourceType": "Bundle",
        "type": "transaction-response",
    }


async def test_more_than_the_limit_is_for_later(serve: Serve) -> None:
    async with serve(**QUICK) as client:
        source, target, others = await family(client, 3)
        found = outcome(await replace(client, source, target, 2), 412, "exception")
        text = f"Number of resources with references to {source} exceeds the resource-limit 2."
        assert text in found["issue"][0]["diagnostics"]
        assert await now(client, others[0]) == others[0]
        response = await replace(client, source, target, 2, LATER)
        assert response.status_code == 202
        assert response.json()["parameter"][0]["name"] == "task"
        (entry,) = (await ask(client, response.headers["content-location"])).json()["entry"]
        assert len(entry["resource"]["parameter"][0]["resource"]["entry"]) == 3
        assert [(await now(client, o))["patient"]["reference"] for o in others] == [target] * 3


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ("Patient/never", 404, "not-found"),
        ("Medication/1", 400, "value"),
        ("https://elsewhere.example/Patient/1", 400, "value"),
    ],
)
async def test_both_must_be_there(client: AsyncClient, wrong: str, status: int, code: str) -> None:
    source, _, _ = await family(client, 0)
    outcome(await replace(client, source, wrong), status, code)
    outcome(await replace(client, wrong, source), status, code)
    outcome(await replace(client, source, source), 400, "value")
