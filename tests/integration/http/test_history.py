"""The history of one resource (R5 http.html#history), on both stores."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import create, link, organization, outcome, patient, put
from tests.integration.http.serving import BASE, Serve


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
        assert str(link(page, "self")).endswith(url)
        seen += [e["response"]["etag"] for e in page["entry"]]
        url = link(page, "next")
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


async def told(client: AsyncClient, url: str | None) -> list[str]:
    """`Type/id/version` of every entry, to the last page."""
    found: list[str] = []
    while url is not None:
        page = (await client.get(url)).json()
        assert page["type"] == "history", page
        for entry in page.get("entry", ()):
            version = entry["response"]["etag"].strip('W/"')
            found.append("/".join([*entry["fullUrl"].split("/")[-2:], version]))
        url = link(page, "next")
    return found


async def test_a_type_and_the_server_tell_what_became_of_everything(serve: Serve) -> None:
    async with serve() as client:
        one = await create(client, patient(active=True))
        other = await create(client, organization(name="x"))
        await put(client, {**one, "active": False})
        await client.delete(f"/Organization/{other['id']}")
        a, o = f"Patient/{one['id']}", f"Organization/{other['id']}"
        everything = [f"{o}/2", f"{a}/2", f"{o}/1", f"{a}/1"]
        assert await told(client, "/_history") == everything
        assert await told(client, "/_history?_count=1") == everything
        assert await told(client, "/_history?_sort=_lastUpdated&_count=3") == everything[::-1]
        assert await told(client, "/Patient/_history") == [f"{a}/2", f"{a}/1"]
        assert await told(client, "/Person/_history") == []
        page = (await client.get("/_history?_summary=text")).json()
        assert "total" not in page
        assert [e["response"]["status"] for e in page["entry"]] == ["200", "200", "201", "201"]
        assert [e["request"]["method"] for e in page["entry"]] == ["DELETE", "PUT", "POST", "POST"]
        assert "resource" not in page["entry"][0]
        assert "active" not in page["entry"][1]["resource"]


async def test_since_and_at_choose_by_time(serve: Serve) -> None:
    async with serve() as client:
        first = await create(client, patient(active=True))
        gone = await create(client, patient(active=True))
        await client.delete(f"/Patient/{gone['id']}")
        second = (await put(client, {**first, "active": False})).json()
        a, b = f"Patient/{first['id']}", f"Patient/{gone['id']}"
        before, after = first["meta"]["lastUpdated"], second["meta"]["lastUpdated"]
        for url in ("/_history", "/Patient/_history", f"/{a}/_history"):
            everything = [f"{a}/2", f"{b}/2", f"{b}/1", f"{a}/1"]
            own = [each for each in everything if a in each or a not in url]
            assert await told(client, f"{url}?_since={after}") == own[:1]
            assert await told(client, f"{url}?_since={before}&_count=1") == own
            assert await told(client, f"{url}?_since=2999") == []
            assert await told(client, f"{url}?_at=2999") == [each for each in own if each.endswith("/2")]
            assert await told(client, f"{url}?_at={before}") == [f"{a}/1"]
            assert await told(client, f"{url}?_at=1999-05") == []
            assert await told(client, f"{url}?_at={before[:4]}&_count=1") == own


@pytest.mark.parametrize("path", ["/_history", "/Patient/_history", "/Patient/{id}/_history"])
@pytest.mark.parametrize(
    ("query", "code", "expression"),
    [
        ("_since=yesterday", "value", "http._since"),
        ("_at=2024-13", "value", "http._at"),
        ("_at=9999-12-31", "value", None),
        ("_since=2024&_at=2024", "invalid", "http._at"),
        ("_sort=family", "value", "http._sort"),
        ("_list=1", "not-supported", "http._list"),
        ("family=x", "not-supported", "http.family"),
        ("_count=1&_count=2", "invalid", "http._count"),
        ("_summary=count", "value", "http._summary"),
    ],
)
async def test_what_a_history_does_not_know_is_refused(
    client: AsyncClient, lived: str, path: str, query: str, code: str, expression: str | None
) -> None:
    response = await client.get(f"{path.format(id=lived)}?{query}")
    if expression is None:
        assert response.status_code == 200
    else:
        outcome(response, 400, code, expression)


async def test_a_history_page_stays_where_it_was_while_others_write(serve: Serve) -> None:
    async with serve() as client:
        made = [(await create(client, patient(active=True)))["id"] for _ in range(6)]
        url: str | None = "/Patient/_history?_count=2"
        seen: list[str] = []
        while url is not None:
            page = (await client.get(url)).json()
            seen += [entry["fullUrl"].rpartition("/")[2] for entry in page["entry"]]
            await create(client, patient(active=False))
            url = link(page, "next")
        assert seen == made[::-1]
