"""Create, read, vread, update, delete and what their answers carry (R5 http.html), on both stores."""

import re
from email.utils import parsedate_to_datetime
from typing import Final

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import Json, create, find, ids, outcome, patient, put, send, surname
from tests.integration.http.serving import BASE

TYPES: Final[dict[str, Json]] = {
    "Patient": {"active": True},
    "Organization": {"name": "Havelklinik"},
    "Person": {"active": True},
    "RelatedPerson": {"patient": {"reference": "Patient/nobody-yet"}},
    "Practitioner": {"active": True},
    "Provenance": {
        "target": [{"reference": "Patient/nobody-yet"}],
        "agent": [{"who": {"display": "a feed"}}],
    },
}


async def of_new_id(client: AsyncClient, **elements: object) -> str:
    found: str = (await create(client, patient(**elements)))["id"]
    return found


@pytest.mark.parametrize("type", TYPES)
async def test_a_create_answers_what_was_stored_and_where(client: AsyncClient, type: str) -> None:
    sent = {"resourceType": type, **TYPES[type]}
    response = await send(client, "POST", f"/{type}", sent)
    body = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{BASE}/{type}/{body['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["content-type"] == "application/fhir+json"
    assert body["meta"]["versionId"] == "1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["meta"]["lastUpdated"])
    modified = parsedate_to_datetime(response.headers["last-modified"])
    assert modified.isoformat().startswith(body["meta"]["lastUpdated"][:19])
    assert {k: v for k, v in body.items() if k not in ("id", "meta")} == sent


async def test_a_create_ignores_the_id_and_version_in_the_body(client: AsyncClient) -> None:
    sent = patient(id="chosen", meta={"versionId": "7", "source": "urn:feed:1"}, active=True)
    body = (await send(client, "POST", "/Patient", sent)).json()
    assert body["id"] != "chosen"
    assert body["meta"]["versionId"] == "1"
    assert body["meta"]["source"] == "urn:feed:1"
    assert (await client.get("/Patient/chosen")).status_code == 404


async def test_a_read_answers_the_current_version_and_a_vread_any(client: AsyncClient) -> None:
    first = await create(client, patient(gender="female"))
    second = (await put(client, {**first, "gender": "other"})).json()
    url = f"/Patient/{first['id']}"
    read = await client.get(url)
    assert (read.json(), read.headers["etag"]) == (second, 'W/"2"')
    assert (await client.get(f"{url}/_history/1")).json() == first
    again = await client.get(f"{url}/_history/2")
    assert (again.json(), again.headers["etag"]) == (second, 'W/"2"')


async def test_head_is_a_read_with_no_body(client: AsyncClient) -> None:
    url = f"/Patient/{await of_new_id(client, active=True)}"
    got, head = await client.get(url), await client.head(url)
    assert head.status_code == 200
    assert head.headers["etag"] == got.headers["etag"]
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("version", ["2", "0", "-1", "x", "1.0", "9999999999"])
async def test_a_version_that_never_was_is_not_found(client: AsyncClient, version: str) -> None:
    url = f"/Patient/{await of_new_id(client, active=True)}/_history/{version}"
    outcome(await client.get(url), 404, "not-found")


async def test_an_update_makes_the_next_version(client: AsyncClient) -> None:
    first = await create(client, patient(active=True))
    response = await put(client, {**first, "active": False})
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.headers["content-location"] == f"{BASE}/Patient/{first['id']}/_history/2"
    assert "location" not in response.headers
    assert response.json()["meta"]["lastUpdated"] > first["meta"]["lastUpdated"]
    assert response.json()["active"] is False


@pytest.mark.parametrize("id", ["1244780", "A-b.c", "x" * 64, "0"])
async def test_an_update_creates_under_any_id_that_a_client_chooses(client: AsyncClient, id: str) -> None:
    response = await put(client, patient(id=id, active=True))
    assert response.status_code == 201
    assert response.headers["location"] == f"{BASE}/Patient/{id}/_history/1"
    assert (await client.get(f"/Patient/{id}")).json()["id"] == id
    assert ids(await find(client, f"Patient?_id={id}")) == [id]


@pytest.mark.parametrize("id", ["x" * 65, "a_b", "a%20b", "ä"])
async def test_what_is_no_logical_id_is_no_path(client: AsyncClient, id: str) -> None:
    assert (await client.get(f"/Patient/{id}")).status_code in (400, 404)
    response = await send(client, "PUT", f"/Patient/{id}", patient(id=id, active=True))
    assert response.status_code in (400, 404)
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_a_deleted_resource_is_gone_and_its_versions_stay(client: AsyncClient) -> None:
    name = surname()
    id = await of_new_id(client, name=[{"family": name}])
    deleted = await client.delete(f"/Patient/{id}")
    assert deleted.status_code == 200
    assert deleted.headers["etag"] == 'W/"2"'
    assert deleted.json()["issue"][0]["severity"] == "information"
    gone = outcome(await client.get(f"/Patient/{id}"), 410, "deleted")
    assert gone["issue"][0]["diagnostics"].startswith("Resource was deleted at ")
    outcome(await client.get(f"/Patient/{id}/_history/2"), 410, "deleted")
    assert (await client.get(f"/Patient/{id}/_history/1")).status_code == 200
    assert ids(await find(client, f"Patient?family={name}")) == []


@pytest.mark.parametrize("id", ["never-there", None])
async def test_deleting_what_is_not_there_succeeds(client: AsyncClient, id: str | None) -> None:
    url = f"/Patient/{id or await of_new_id(client, active=True)}"
    await client.delete(url)
    again = await client.delete(url)
    assert again.status_code == 200
    assert again.json()["resourceType"] == "OperationOutcome"
    assert "etag" not in again.headers


async def test_an_update_brings_a_deleted_resource_back(client: AsyncClient) -> None:
    name = surname()
    first = await create(client, patient(name=[{"family": name}]))
    await client.delete(f"/Patient/{first['id']}")
    response = await put(client, first)
    assert response.status_code == 201
    assert response.headers["etag"] == 'W/"3"'
    assert (await client.get(f"/Patient/{first['id']}")).json() == response.json()
    assert ids(await find(client, f"Patient?family={name}")) == [first["id"]]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST"])
async def test_a_type_that_is_not_served_is_not_found(client: AsyncClient, method: str) -> None:
    path = "/Encounter" if method == "POST" else "/Encounter/1"
    body = {"resourceType": "Encounter", "id": "1"} if method in ("PUT", "POST") else None
    response = await send(client, method, path, body)
    assert response.status_code == 404
    if method != "HEAD":
        assert "Patient" in outcome(response, 404, "not-found")["issue"][0]["diagnostics"]


@pytest.mark.parametrize("path", ["", "/_search", "?name=x", "/1/_history", "/1/_history/1"])
async def test_no_path_of_an_unknown_type_is_found(client: AsyncClient, path: str) -> None:
    method = "POST" if path == "/_search" else "GET"
    form = {"content-type": "application/x-www-form-urlencoded"}
    outcome(await client.request(method, f"/Encounter{path}", headers=form), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("TRACE", "/Patient", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("POST", "/Patient/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("GET", "/Patient/_search", {"POST"}),
        ("GET", "/Patient/$match", {"POST"}),
        ("GET", "/Patient/%24match", {"POST"}),
        ("DELETE", "/Patient/$match", {"POST"}),
        ("POST", "/Patient/1/_history", {"GET", "HEAD"}),
        ("PUT", "/Patient/1/_history/1", {"GET", "HEAD"}),
        ("POST", "/metadata", {"GET", "HEAD"}),
        ("PUT", "", {"GET", "HEAD", "POST"}),
        ("DELETE", "/", {"GET", "HEAD", "POST"}),
        ("TRACE", "/Patient/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_does(
    client: AsyncClient, method: str, path: str, allow: set[str]
) -> None:
    response = await client.request(method, path)
    outcome(response, 405, "not-supported")
    assert set(response.headers["allow"].split(", ")) == allow


@pytest.mark.parametrize(
    "path",
    [
        "/Patient/",
        "/Patient/1/",
        "/Patient//1",
        "/Patient/_history/1",
        "/_history/1",
        "/patient/1",
        "/Patient/1/2",
    ],
)
async def test_an_unknown_path_is_never_taken_for_a_read(client: AsyncClient, path: str) -> None:
    refused = outcome(await client.get(path), 404, "not-found")
    assert "does not know how to handle" in refused["issue"][0]["diagnostics"]


@pytest.mark.parametrize("path", ["/Patient/1/$match", "/$match", "/Patient/$undo", "/$undo", "/Visit/$undo"])
async def test_an_unknown_operation_is_not_supported(client: AsyncClient, path: str) -> None:
    for response in (await client.get(path), await send(client, "POST", path, patient())):
        refused = outcome(response, 404, "not-supported")
        assert "does not know how to handle" in refused["issue"][0]["diagnostics"]


@pytest.mark.parametrize("path", ["", "/"])
async def test_a_bundle_is_taken_at_the_base_with_and_without_a_slash(client: AsyncClient, path: str) -> None:
    response = await send(client, "POST", path, {"resourceType": "Bundle", "type": "batch"})
    assert response.status_code == 200
    assert response.json() == {"resourceType": "Bundle", "type": "batch-response"}
