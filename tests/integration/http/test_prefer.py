"""What a write returns, as `Prefer` asks, and that what changes nothing makes no version."""

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import Json, bundle, create, entry, patient, put, send, surname

SYSTEM = "https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code"
OUTCOME = {"prefer": "return=OperationOutcome"}
MINIMAL = {"prefer": "return=minimal"}
JSON_PATCH = "application/json-patch+json"


def did(response: Response) -> str:
    """The storage response code of a success."""
    found = response.json()
    assert response.status_code < 300, response.text
    assert found["resourceType"] == "OperationOutcome"
    first = found["issue"][0]
    (coding,) = first["details"]["coding"]
    assert (first["severity"], coding["system"]) == ("information", SYSTEM)
    code: str = coding["code"]
    return code


async def patched(client: AsyncClient, id: str, gender: str, headers: dict[str, str]) -> Response:
    steps = b'[{"op":"replace","path":"/gender","value":"%s"}]' % gender.encode()
    return await send(client, "PATCH", f"/Patient/{id}", steps, {"content-type": JSON_PATCH, **headers})


async def test_an_outcome_names_what_was_done(client: AsyncClient) -> None:
    id = surname()
    sent = patient(id=id, gender="female")
    path = f"/Patient/{id}"
    assert did(await send(client, "DELETE", path)) == "SUCCESSFUL_DELETE_NOT_FOUND"
    made = await send(client, "POST", "/Patient", sent, OUTCOME)
    assert (made.status_code, did(made)) == (201, "SUCCESSFUL_CREATE")
    assert made.headers["location"].endswith("/_history/1")
    first = await send(client, "PUT", path, sent, OUTCOME)
    assert (first.status_code, did(first)) == (201, "SUCCESSFUL_UPDATE_AS_CREATE")
    assert did(await send(client, "PUT", path, sent, OUTCOME)) == "SUCCESSFUL_UPDATE_NO_CHANGE"
    other = await send(client, "PUT", path, {**sent, "gender": "male"}, OUTCOME)
    assert (other.status_code, did(other)) == (200, "SUCCESSFUL_UPDATE")
    assert other.headers["etag"] == 'W/"2"'
    assert did(await patched(client, id, "other", OUTCOME)) == "SUCCESSFUL_PATCH"
    assert did(await patched(client, id, "other", OUTCOME)) == "SUCCESSFUL_PATCH_NO_CHANGE"
    gone = await send(client, "DELETE", path, None, OUTCOME)
    assert (did(gone), gone.headers["etag"]) == ("SUCCESSFUL_DELETE", 'W/"4"')
    assert did(await send(client, "DELETE", path)) == "SUCCESSFUL_DELETE_ALREADY_DELETED"


async def test_an_outcome_has_what_validation_warned_of(client: AsyncClient) -> None:
    sent = patient(identifier=[{"system": "urn:no-value"}])
    found = (await send(client, "POST", "/Patient", sent, OUTCOME)).json()
    assert [issue["severity"] for issue in found["issue"]] == ["information", "warning"]


async def test_a_client_that_prefers_nothing_is_sent_nothing(client: AsyncClient) -> None:
    made = await send(client, "POST", "/Patient", patient(gender="female"), MINIMAL)
    assert (made.status_code, made.content, made.headers["etag"]) == (201, b"", 'W/"1"')
    assert made.headers["preference-applied"] == "return=minimal"
    id = made.headers["location"].split("/")[-3]
    changed = await send(client, "PUT", f"/Patient/{id}", patient(id=id, gender="male"), MINIMAL)
    assert (changed.status_code, changed.content, changed.headers["etag"]) == (200, b"", 'W/"2"')
    again = await patched(client, id, "other", MINIMAL)
    assert (again.status_code, again.content, again.headers["etag"]) == (200, b"", 'W/"3"')
    gone = await send(client, "DELETE", f"/Patient/{id}", None, MINIMAL)
    assert (gone.status_code, gone.content, gone.headers["etag"]) == (204, b"", 'W/"4"')
    assert (await client.get(f"/Patient/{id}")).status_code == 410


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("return=representation", "return=representation"),
        ('respond-async, return="representation"; x=y', "return=representation"),
        ("return = representation, return=minimal", "return=representation"),
        ("return=everything", None),
        ("handling=lenient", None),
        ("", None),
    ],
)
async def test_the_resource_is_returned_where_nothing_else_is_preferred(
    client: AsyncClient, prefer: str, applied: str | None
) -> None:
    response = await send(client, "POST", "/Patient", patient(active=True), {"prefer": prefer})
    assert (response.status_code, response.json()["active"]) == (201, True)
    assert response.headers.get("preference-applied") == applied


async def test_a_deletion_has_nothing_to_represent(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    headers = {"prefer": "return=representation"}
    response = await send(client, "DELETE", f"/Patient/{known['id']}", None, headers)
    assert did(response) == "SUCCESSFUL_DELETE"
    assert "preference-applied" not in response.headers


async def versions(client: AsyncClient, known: Json) -> int:
    found: int = (await client.get(f"/Patient/{known['id']}/_history")).json()["total"]
    return found


async def test_an_update_that_changes_nothing_makes_no_version(client: AsyncClient) -> None:
    known = await create(client, patient(active=True, gender="other"))
    same = {"resourceType": "Patient", "gender": "other", "id": known["id"], "active": True}
    for sent in (known, same, {**known, "meta": {"versionId": "9", "lastUpdated": "2020-01-01T00:00:00Z"}}):
        response = await put(client, sent)
        assert (response.status_code, response.headers["etag"]) == (200, 'W/"1"')
        assert response.json() == known
        assert "location" not in response.headers
    assert await versions(client, known) == 1
    assert (await put(client, {**known, "meta": {"source": "urn:x"}})).headers["etag"] == 'W/"2"'


async def test_other_digits_of_a_decimal_are_a_change(client: AsyncClient) -> None:
    body = (
        b'{"resourceType":"Patient","id":"%s","extension":[{"url":"https://x.example/d","valueDecimal":%s}]}'
    )
    id = surname()
    tags = []
    for digits in (b"1.0", b"1.0", b"1.00"):
        response = await send(client, "PUT", f"/Patient/{id}", body % (id.encode(), digits))
        tags.append(response.headers["etag"])
    assert tags == ['W/"1"', 'W/"1"', 'W/"2"']


async def test_a_deleted_resource_comes_back_with_the_same_content(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    await client.delete(f"/Patient/{known['id']}")
    response = await put(client, known)
    assert (response.status_code, response.headers["etag"]) == (201, 'W/"3"')


async def test_an_unchanged_entry_of_a_transaction_makes_no_version(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    other = await create(client, patient(active=True))
    body = bundle(
        "transaction",
        entry("PUT", f"Patient/{known['id']}", known),
        entry("PUT", f"Patient/{other['id']}", {**other, "active": False}),
    )
    answers = (await send(client, "POST", "/", body)).json()["entry"]
    assert [a["response"]["etag"] for a in answers] == ['W/"1"', 'W/"2"']
    assert (await versions(client, known), await versions(client, other)) == (1, 2)
