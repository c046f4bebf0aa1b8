"""Conditional update, patch and delete, on both stores."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    find,
    ids,
    outcome,
    patient,
    send,
    stored,
    surname,
)
from tests.integration.http.serving import Serve

OUTCOME = {"prefer": "return=OperationOutcome"}
MERGE = {"content-type": "application/merge-patch+json"}


def numbered(number: str, **elements: Any) -> Json:
    return patient(identifier=[{"system": "urn:n", "value": number}], **elements)


def by(number: str) -> str:
    return f"/Patient?identifier=urn:n|{number}"


def code(response: Any) -> str:
    found: str = response.json()["issue"][0]["details"]["coding"][0]["code"]
    return found


async def test_an_update_makes_what_is_not_there_and_changes_what_is(client: AsyncClient) -> None:
    number = surname()
    first = await send(client, "PUT", by(number), numbered(number, active=True))
    assert (first.status_code, first.headers["etag"]) == (201, 'W/"1"')
    id = first.json()["id"]
    assert list(first.json())[:2] == ["resourceType", "id"]
    second = await send(client, "PUT", by(number), numbered(number, active=False))
    assert (second.status_code, second.headers["etag"], second.json()["id"]) == (200, 'W/"2"', id)
    assert list(second.json())[:2] == ["resourceType", "id"]
    third = await send(client, "PUT", by(number), numbered(number, id=id, active=True))
    assert (third.headers["etag"], third.json()["active"]) == ('W/"3"', True)
    assert ids(await find(client, by(number)[1:])) == [id]


async def test_an_update_by_criteria_names_what_it_did(client: AsyncClient) -> None:
    number = surname()
    sent = [numbered(number, active=active) for active in (True, True, False)]
    codes = [code(await send(client, "PUT", by(number), one, OUTCOME)) for one in sent]
    assert codes == [
        "SUCCESSFUL_UPDATE_NO_CONDITIONAL_MATCH",
        "SUCCESSFUL_UPDATE_WITH_CONDITIONAL_MATCH_NO_CHANGE",
        "SUCCESSFUL_UPDATE_WITH_CONDITIONAL_MATCH",
    ]


async def test_an_update_that_finds_nothing_may_bring_an_id(client: AsyncClient) -> None:
    number, id = surname(), surname()
    made = await send(client, "PUT", by(number), numbered(number, id=id))
    assert (made.status_code, made.json()["id"]) == (201, id)
    await client.delete(f"/Patient/{id}")
    again = await send(client, "PUT", by(number), numbered(number, id=id))
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
    taken = await send(client, "PUT", by(surname()), numbered(number, id=id))
    outcome(taken, 409, "conflict", "Patient.id")


async def test_an_update_of_another_id_or_version_than_the_match_is_refused(client: AsyncClient) -> None:
    number = surname()
    known = await create(client, numbered(number))
    outcome(await send(client, "PUT", by(number), numbered(number, id="other")), 400, "invalid", "Patient.id")
    sent = numbered(number, active=True)
    outcome(await send(client, "PUT", by(number), sent, {"if-match": 'W/"2"'}), 412, "conflict")
    outcome(await send(client, "PUT", by(surname()), sent, {"if-match": 'W/"1"'}), 412, "conflict")
    assert (await client.get(f"/Patient/{known['id']}")).json() == known
    assert (await send(client, "PUT", by(number), sent, {"if-match": 'W/"1"'})).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_several_that_meet_the_criteria_are_a_refusal(client: AsyncClient, method: str) -> None:
    number = surname()
    for _ in range(2):
        await create(client, numbered(number))
    body = None if method == "DELETE" else numbered(number, active=True)
    headers = MERGE if method == "PATCH" else {}
    refused = outcome(await send(client, method, by(number), body, headers), 412, "multiple-matches")
    verb = {"PUT": "UPDATE"}.get(method, method)
    text = f"Failed to {verb} Patient by criteria because this search matched 2 resources"
    assert refused["issue"][0]["diagnostics"] == text
    found = (await find(client, by(number)[1:]))["entry"]
    assert [e["resource"]["meta"]["versionId"] for e in found] == ["1", "1"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_without_criteria_needs_an_id(client: AsyncClient, method: str) -> None:
    before = await stored(client)
    body = None if method == "DELETE" else patient(active=True)
    for query in ("", "?_format=json", "?identifier="):
        outcome(await send(client, method, f"/Patient{query}", body), 400, "invalid")
    assert await stored(client) == before


async def test_a_patch_by_criteria_changes_the_one_that_meets_them(client: AsyncClient) -> None:
    number = surname()
    known = await create(client, numbered(number, gender="female"))
    response = await send(client, "PATCH", by(number), {"gender": None, "active": True}, MERGE)
    found = response.json()
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    assert (found["id"], found["active"], "gender" in found) == (known["id"], True, False)
    outcome(await send(client, "PATCH", by(surname()), {"active": True}, MERGE), 404, "not-found")
    stale = await send(client, "PATCH", by(number), {"active": False}, {**MERGE, "if-match": 'W/"1"'})
    outcome(stale, 412, "conflict")


async def test_a_deletion_by_criteria_deletes_the_one_that_meets_them(client: AsyncClient) -> None:
    number = surname()
    known = await create(client, numbered(number))
    outcome(await send(client, "DELETE", by(number), None, {"if-match": 'W/"2"'}), 412, "conflict")
    gone = await send(client, "DELETE", by(number))
    assert (gone.status_code, code(gone), gone.headers["etag"]) == (200, "SUCCESSFUL_DELETE", 'W/"2"')
    assert (await client.get(f"/Patient/{known['id']}")).status_code == 410
    again = await send(client, "DELETE", by(number))
    assert (again.status_code, code(again)) == (200, "SUCCESSFUL_DELETE_NOT_FOUND")


async def test_a_setting_lets_a_deletion_by_criteria_delete_several(serve: Serve) -> None:
    async with serve(delete_several=True, max_bundle_entries=3) as client:
        number = surname()
        kept = await create(client, numbered(surname()))
        for _ in range(4):
            await create(client, numbered(number))
        outcome(await send(client, "DELETE", by(number)), 400, "too-costly")
        one = ids(await find(client, by(number)[1:]))[0]
        await client.delete(f"/Patient/{one}")
        gone = await send(client, "DELETE", by(number))
        assert code(gone) == "SUCCESSFUL_DELETE"
        assert "3 resources" in gone.json()["issue"][0]["diagnostics"]
        assert ids(await find(client, "Patient")) == [kept["id"]]
        assert code(await send(client, "DELETE", by(number))) == "SUCCESSFUL_DELETE_NOT_FOUND"
        statement = (await client.get("/metadata")).json()["rest"][0]["resource"]
        assert {r["conditionalDelete"] for r in statement if "conditionalDelete" in r} == {"multiple"}
        assert (await send(client, "PUT", by(number), numbered(number))).status_code == 201


async def test_entries_of_a_batch_can_write_by_criteria(client: AsyncClient) -> None:
    number = surname()
    url = by(number)[1:]
    body = bundle("batch", entry("PUT", url, numbered(number)), entry("DELETE", url), entry("DELETE", url))
    answers = (await send(client, "POST", "/", body)).json()["entry"]
    assert [a["response"]["status"] for a in answers] == ["201 Created", "204 No Content", "204 No Content"]


async def test_of_many_updates_by_criteria_none_is_lost(client: AsyncClient) -> None:
    number = surname()
    answers = await asyncio.gather(
        *(send(client, "PUT", by(number), numbered(number, address=[{"city": f"{n}"}])) for n in range(12))
    )
    statuses = Counter(a.status_code for a in answers)
    assert statuses[201] == 1
    assert set(statuses) <= {200, 201, 409}
    (id,) = ids(await find(client, by(number)[1:]))
    history = (await client.get(f"/Patient/{id}/_history?_count=50")).json()
    assert history["total"] == statuses[200] + statuses[201]
