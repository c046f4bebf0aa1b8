"""$diff, of two versions and of two resources."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import create, outcome, patient, put, send
from tests.integration.http.serving import BASE


def told(response: Response) -> list[list[Any]]:
    assert response.status_code == 200, response.text
    steps = response.json().get("parameter", [])
    return [[next(v for k, v in part.items() if k != "name") for part in s["part"]] for s in steps]


async def test_the_last_change_is_told_and_does_it_again_as_a_patch(client: AsyncClient) -> None:
    first = await create(client, patient(active=True, birthDate="1970", gender="male"))
    url = f"/Patient/{first['id']}"
    second = (await put(client, {**first, "active": False, "birthDate": "1971"})).json()
    response = await client.get(f"{url}/$diff")
    assert told(response) == [
        ["replace", "Patient.active", True, False],
        ["replace", "Patient.birthDate", "1970", "1971"],
    ]
    await put(client, first)
    again = await send(client, "PATCH", url, response.json(), {"content-type": "application/fhir+json"})
    assert again.status_code == 200
    assert {**again.json(), "meta": 0} == {**second, "meta": 0}


async def test_any_two_versions_can_be_compared_and_meta_too(client: AsyncClient) -> None:
    first = await create(client, patient(active=True))
    await put(client, {**first, "active": False})
    await put(client, first)
    url = f"/Patient/{first['id']}"
    assert told(await client.get(f"{url}/$diff?fromVersion=1")) == []
    assert len(told(await client.get(f"{url}/$diff?fromVersion=1&includeMeta=true"))) == 2
    query = {"from": f"{url[1:]}/_history/1", "to": f"{url[1:]}/_history/2"}
    assert told(await client.get("/$diff", params=query)) == [["replace", "Patient.active", True, False]]


async def test_a_first_version_and_a_restored_one_are_told_as_a_whole(client: AsyncClient) -> None:
    first = await create(client, {"resourceType": "Patient", "active": True})
    url = f"/Patient/{first['id']}"
    whole = [["add", "Patient", "active", True]]
    assert told(await client.get(f"{url}/$diff")) == whole
    await client.delete(url)
    outcome(await client.get(f"{url}/$diff"), 410, "deleted")
    await put(client, first)
    assert told(await client.get(f"{url}/$diff")) == whole
    outcome(await client.get(f"{url}/$diff?fromVersion=2"), 410, "deleted")
    outcome(await client.get(f"{url}/$diff?fromVersion=9"), 404, "not-found")


async def test_two_resources_can_be_compared(client: AsyncClient) -> None:
    one, other = [await create(client, patient(gender=gender)) for gender in ("male", "female")]
    query = {"from": f"{BASE}/Patient/{one['id']}", "to": f"Patient/{other['id']}"}
    assert told(await client.get("/$diff", params=query))[-1] == [
        "replace",
        "Patient.gender",
        "male",
        "female",
    ]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "required"),
        ({"from": "Patient/1"}, 400, "required"),
        ({"from": "1", "to": "Patient/1"}, 400, "value"),
        ({"from": "https://elsewhere.example/Patient/1", "to": "Patient/1"}, 400, "value"),
        ({"from": "Patient/never", "to": "Patient/never"}, 404, "not-found"),
        ({"from": "Medication/1", "to": "Medication/2"}, 404, "not-found"),
    ],
)
async def test_what_cannot_be_compared_is_refused(
    client: AsyncClient, query: dict[str, str], status: int, code: str
) -> None:
    outcome(await client.get("/$diff", params=query), status, code)


async def test_resources_of_two_types_cannot_be_compared(client: AsyncClient) -> None:
    one = await create(client, patient(active=True))
    other = await create(client, {"resourceType": "Organization", "name": "O"})
    query = {"from": f"Patient/{one['id']}", "to": f"Organization/{other['id']}"}
    outcome(await client.get("/$diff", params=query), 400, "invalid")
