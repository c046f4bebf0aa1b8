"""Conditions that a write can't have are refused, never passed over."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import Json, bundle, create, issue, outcome, patient, send, stored

CONDITIONS = [
    ("?identifier=urn:x|1", {}),
    ("?_id=1", {}),
    ("?_format=json&family=x", {}),
    ("", {"if-none-exist": "identifier=urn:x|1"}),
    ("", {"if-none-match": "*"}),
    ("", {"if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT"}),
]


@pytest.mark.parametrize(("query", "headers"), CONDITIONS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_condition_on_a_write_is_refused(
    client: AsyncClient, method: str, query: str, headers: dict[str, str]
) -> None:
    known = await create(client, patient(active=True))
    before = await stored(client)
    path = f"/Patient/{known['id']}"
    body: Json | bytes | None = {"PATCH": b"[]", "DELETE": None}.get(method, {**known, "active": False})
    kind = {"content-type": "application/json-patch+json"} if method == "PATCH" else {}
    response = await send(client, method, path + query, body, {**kind, **headers})
    outcome(response, 400, "not-supported")
    assert await stored(client) == before
    assert (await client.get(f"/Patient/{known['id']}")).json() == known


@pytest.mark.parametrize(
    "headers", [{"if-none-match": "*"}, {"if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT"}]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_condition_beside_criteria_is_refused(
    client: AsyncClient, method: str, headers: dict[str, str]
) -> None:
    before = await stored(client)
    body = None if method == "DELETE" else patient(active=True)
    refused = await send(client, method, "/Patient?identifier=urn:x|1", body, headers)
    outcome(refused, 400, "not-supported")
    assert await stored(client) == before


@pytest.mark.parametrize("type", ["batch", "transaction"])
@pytest.mark.parametrize("condition", ["ifNoneMatch", "ifModifiedSince"])
async def test_a_condition_on_an_entry_that_writes_is_refused(
    client: AsyncClient, type: str, condition: str
) -> None:
    before = await stored(client)
    asked = {"method": "POST", "url": "Patient", condition: "identifier=urn:x|1"}
    body = bundle(type, {"request": asked, "resource": patient(active=True)})
    response = await send(client, "POST", "/", body)
    if type == "batch":
        answer = response.json()["entry"][0]["response"]
        issue(answer["outcome"], "not-supported")
        assert answer["status"] == "400 Bad Request"
    else:
        outcome(response, 400, "not-supported", f"Bundle.entry[0].request.{condition}")
    assert await stored(client) == before


async def test_the_format_of_the_answer_is_no_condition(client: AsyncClient) -> None:
    response = await send(client, "POST", "/Patient?_format=json&_pretty=true", patient(active=True))
    assert response.status_code == 201
