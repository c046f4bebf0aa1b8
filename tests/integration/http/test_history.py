"""The history of one resource (R5 http.html#history), on both stores."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, link, outcome, patient, put
from tests.integration.http.serving import BASE


@pytest.fixture
async def lived(client: AsyncClient) -> str:
    """The id of a Patient that was created, changed, patched, deleted and brought back."""
    first = await create(client, patient(active=True))
    await put(client, {**first, "active": False})
    url = f"/Patient/{first['id']}"
    patched = await client.patch(
        url,
        content=b'[{"op":"add","path":"/gender","value":"other"}]',
        headers={"content-type": "application/json-patch+json"},
    )
    assert patched.status_code == 200
    await client.delete(url)
    await put(client, first)
    found: str = first["id"]
    return found


async def test_a_history_tells_every_version_newest_first(client: AsyncClient, lived: str) -> None:
    response = await client.get(f"/Patient/{lived}/_history")
    found = response.json()
    assert (found["type"], found["total"]) == ("history", 5)
    told = [(e["request"]["method"], e["request"]["url"], e["response"]["status"]) for e in found["entry"]]
    one = f"Patient/{lived}"
    assert told == [
        ("PUT", one, "201"),
        ("DELETE", one, "200"),
        ("PATCH", one, "200"),
        ("PUT", one, "200"),
        ("POST", "Patient", "201"),
    ]
    assert [e["response"]["etag"] for e in found["entry"]] == [f'W/"{n}"' for n in (5, 4, 3, 2, 1)]
    assert {e["fullUrl"] for e in found["entry"]} == {f"{BASE}/{one}"}
    assert [e.get("resource", {}).get("active") for e in found["entry"]] == [True, None, False, False, True]


async def test_a_history_is_paged_to_its_end(client: AsyncClient, lived: str) -> None:
    url: str | None = f"/Patient/{lived}/_history?_count=2"
    seen = []
    while url is not None:
        page = (await client.get(url)).json()
        assert page["total"] == 5
        assert len(page["entry"]) <= 2
        seen += [e["response"]["etag"] for e in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert seen == [f'W/"{n}"' for n in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize("count", range(1, 6))
async def test_a_version_that_restored_is_told_as_created_wherever_a_page_ends(
    client: AsyncClient, lived: str, count: int
) -> None:
    url: str | None = f"/Patient/{lived}/_history?_count={count}"
    told = []
    while url is not None:
        page = (await client.get(url)).json()
        told += [e["response"]["status"] for e in page["entry"]]
        url = link(page, "next")
    assert told == ["201", "200", "200", "200", "201"]


async def test_a_history_of_what_never_was_is_not_found(client: AsyncClient) -> None:
    outcome(await client.get("/Patient/never-was/_history"), 404, "not-found")


async def test_a_history_of_a_deleted_resource_stays_readable(client: AsyncClient) -> None:
    id = (await create(client, patient(active=True)))["id"]
    await client.delete(f"/Patient/{id}")
    found = (await client.get(f"/Patient/{id}/_history")).json()
    assert [e["request"]["method"] for e in found["entry"]] == ["DELETE", "POST"]
    assert "resource" not in found["entry"][0]


@pytest.mark.parametrize("count", ["0", "-1", "abc", "1e3", "NaN", "1" * 30, "²"])
async def test_a_count_that_is_no_page_size_is_refused(client: AsyncClient, lived: str, count: str) -> None:
    response = await client.get(f"/Patient/{lived}/_history", params={"_count": count})
    outcome(response, 400, "value", "http._count")


async def test_a_page_of_another_history_is_refused(client: AsyncClient, lived: str) -> None:
    page = (await client.get(f"/Patient/{lived}/_history?_count=2")).json()
    theirs = next(link["url"] for link in page["link"] if link["relation"] == "next")
    other = await create(client, patient(active=True))
    outcome(await client.get(theirs.replace(lived, other["id"])), 400, "invalid")
    outcome(await client.get(f"/Patient/{lived}/_history?_cursor=forged"), 400, "invalid")


async def test_a_history_page_is_never_longer_than_allowed(client: AsyncClient, lived: str) -> None:
    found = (await client.get(f"/Patient/{lived}/_history?_count=999999999")).json()
    assert found["link"][0]["url"].endswith("_count=1000")
