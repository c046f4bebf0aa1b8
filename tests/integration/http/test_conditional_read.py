"""Conditional reads: 304 where the client has the version already, on both stores."""

from email.utils import format_datetime, parsedate_to_datetime

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import Json, bundle, create, entry, outcome, patient, put, send


async def second_version(client: AsyncClient) -> Json:
    known = await create(client, patient(active=True))
    found: Json = (await put(client, {**known, "active": False})).json()
    return found


def assert_known(response: Response, version: int) -> None:
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == f'W/"{version}"'
    assert response.headers["last-modified"]


@pytest.mark.parametrize("tag", ['W/"2"', '"2"', "2", "*", 'W/"1", W/"2"', ' W/"2" '])
async def test_a_client_that_has_the_current_version_is_not_sent_it_again(
    client: AsyncClient, tag: str
) -> None:
    known = await second_version(client)
    assert_known(await client.get(f"/Patient/{known['id']}", headers={"if-none-match": tag}), 2)


@pytest.mark.parametrize("tag", ['W/"1"', '"20"', "1", 'W/"x"', "", '"', 'W/"1", W/"3"'])
async def test_a_client_that_has_another_version_is_sent_the_current_one(
    client: AsyncClient, tag: str
) -> None:
    known = await second_version(client)
    response = await client.get(f"/Patient/{known['id']}", headers={"if-none-match": tag})
    assert (response.status_code, response.json()) == (200, known)


async def test_several_headers_of_tags_are_one_list(client: AsyncClient) -> None:
    known = await second_version(client)
    headers = [("if-none-match", 'W/"7"'), ("if-none-match", 'W/"2"')]
    assert_known(await client.get(f"/Patient/{known['id']}", headers=headers), 2)


async def test_a_version_that_is_known_is_not_sent_again_either(client: AsyncClient) -> None:
    known = await second_version(client)
    path = f"/Patient/{known['id']}/_history/1"
    assert_known(await client.get(path, headers={"if-none-match": "1"}), 1)
    assert (await client.get(path, headers={"if-none-match": "2"})).status_code == 200


async def test_what_was_not_changed_since_is_not_sent_again(client: AsyncClient) -> None:
    known = await second_version(client)
    path = f"/Patient/{known['id']}"
    modified = (await client.get(path)).headers["last-modified"]
    assert_known(await client.get(path, headers={"if-modified-since": modified}), 2)
    earlier = parsedate_to_datetime(modified).replace(year=2020)
    for since in (format_datetime(earlier, usegmt=True), "Wed, 01 Jan 2020 00:00:00 -0000", "yesterday"):
        assert (await client.get(path, headers={"if-modified-since": since})).status_code == 200, since


async def test_the_tag_decides_where_a_date_is_sent_too(client: AsyncClient) -> None:
    known = await second_version(client)
    path = f"/Patient/{known['id']}"
    modified = (await client.get(path)).headers["last-modified"]
    stale = {"if-none-match": 'W/"1"', "if-modified-since": modified}
    assert (await client.get(path, headers=stale)).status_code == 200


async def test_what_is_not_there_is_told_whatever_the_client_has(client: AsyncClient) -> None:
    known = await second_version(client)
    await client.delete(f"/Patient/{known['id']}")
    headers = {"if-none-match": "*"}
    outcome(await client.get(f"/Patient/{known['id']}", headers=headers), 410, "deleted")
    outcome(await client.get("/Patient/never-was", headers=headers), 404, "not-found")


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_an_entry_that_reads_on_a_condition_is_answered_without_a_resource(
    client: AsyncClient, type: str
) -> None:
    known = await second_version(client)
    read = entry("GET", f"Patient/{known['id']}")
    read["request"]["ifNoneMatch"] = 'W/"2"'
    (answer,) = (await send(client, "POST", "/", bundle(type, read))).json()["entry"]
    assert answer == {"response": {"status": "304 Not Modified", "etag": 'W/"2"'}}
