"""If-Match: what it looks like, and that nobody's change is lost to somebody else's (C03)."""

import asyncio

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import bundle, create, entry, outcome, patient, put, send
from tests.integration.http.serving import Serve


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "1", ' W/"1" ', 'W/"01"'])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_the_current_version_may_be_named_in_any_common_spelling(
    client: AsyncClient, method: str, tag: str
) -> None:
    known = await create(client, patient(active=True))
    response = await change(client, method, known, tag)
    assert response == 200


@pytest.mark.parametrize("tag", ['W/"2"', 'W/"0"', '"999999999"'])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_another_version_is_a_conflict_and_changes_nothing(
    client: AsyncClient, method: str, tag: str
) -> None:
    known = await create(client, patient(active=True))
    assert await change(client, method, known, tag) == 412
    assert (await client.get(f"/Patient/{known['id']}")).json() == known


@pytest.mark.parametrize("tag", ['W/"x"', "*", 'W/"1", W/"2"', "", 'w/"1', '"-1"', '"1.0"', '"9999999999"'])
async def test_what_is_no_etag_of_this_server_is_refused(client: AsyncClient, tag: str) -> None:
    known = await create(client, patient(active=True))
    response = await send(client, "PUT", f"/Patient/{known['id']}", known, {"if-match": tag})
    outcome(response, 400, "value", "http.If-Match")


async def test_a_version_of_what_never_was_is_a_conflict(client: AsyncClient) -> None:
    sent = patient(id="never-was", active=True)
    response = await send(client, "PUT", "/Patient/never-was", sent, {"if-match": 'W/"1"'})
    refused = outcome(response, 412, "conflict")
    assert "Patient/never-was/_history/1 but" in refused["issue"][0]["diagnostics"]
    assert refused["issue"][0]["diagnostics"].endswith("which is 0")
    assert (await client.get("/Patient/never-was")).status_code == 404


async def change(client: AsyncClient, method: str, known: dict[str, object], tag: str) -> int:
    url, headers = f"/Patient/{known['id']}", {"if-match": tag}
    if method == "PATCH":
        headers["content-type"] = "application/json-patch+json"
        body = b'[{"op":"replace","path":"/active","value":false}]'
        return (await client.patch(url, content=body, headers=headers)).status_code
    body_sent = {**known, "active": False} if method == "PUT" else None
    return (await send(client, method, url, body_sent, headers)).status_code


async def test_c03_of_a_hundred_updates_of_one_version_one_wins(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    url = f"/Patient/{known['id']}"
    bodies = [{**known, "address": [{"city": f"Ort {n}"}]} for n in range(100)]
    answers = await asyncio.gather(*(send(client, "PUT", url, b, {"if-match": 'W/"1"'}) for b in bodies))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200] + [412] * 99
    winner = bodies[statuses.index(200)]
    current = (await client.get(url)).json()
    assert (current["meta"]["versionId"], current["address"]) == ("2", winner["address"])
    for answer in answers:
        if answer.status_code == 412:
            outcome(answer, 412, "conflict")


async def test_c03_updates_that_name_no_version_all_count_and_none_is_lost(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    url = f"/Patient/{known['id']}"
    bodies = [{**known, "address": [{"city": f"Ort {n}"}]} for n in range(20)]
    answers = await asyncio.gather(*(put(client, body) for body in bodies))
    done = [answer for answer in answers if answer.status_code == 200]
    for answer in answers:
        if answer not in done:
            outcome(answer, 409, "conflict")
    assert done
    history = (await client.get(f"{url}/_history?_count=100")).json()["entry"]
    versions = [int(e["resource"]["meta"]["versionId"]) for e in history]
    assert versions == list(range(len(done) + 1, 0, -1))
    times = [e["resource"]["meta"]["lastUpdated"] for e in history]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)


async def test_time_never_goes_back_on_a_record_though_the_clock_does(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    now = datetime(2024, 5, 1, 12, tzinfo=UTC)
    monkeypatch.setattr("fhir_mpi.app._now", lambda: now)
    async with serve() as client:
        first = await create(client, patient(active=True))
        now = datetime(2024, 5, 1, 11, tzinfo=UTC)
        second = (await put(client, {**first, "active": False})).json()
        await client.delete(f"/Patient/{first['id']}")
        fourth = (await put(client, first)).json()
        history = (await client.get(f"/Patient/{first['id']}/_history")).json()["entry"]
    stamps = [first, second, fourth]
    assert [s["meta"]["lastUpdated"][11:23] for s in stamps] == [
        "12:00:00.000",
        "12:00:00.001",
        "12:00:00.003",
    ]
    assert history[1]["response"]["lastModified"][11:23] == "12:00:00.002"


async def test_c04_a_setting_demands_the_version_of_what_is_updated(serve: Serve) -> None:
    async with serve(if_match_required=True) as client:
        known = await create(client, patient(active=True, identifier=[{"system": "urn:n", "value": "1"}]))
        url, sent = f"/Patient/{known['id']}", {**known, "active": False}
        step = b'[{"op":"replace","path":"/active","value":false}]'
        for response in (
            await put(client, sent),
            await put(client, known),
            await send(client, "PATCH", url, step, {"content-type": "application/json-patch+json"}),
            await send(client, "PUT", "/Patient?identifier=urn:n|1", sent),
            await send(client, "POST", "/", bundle("transaction", entry("PUT", url[1:], sent))),
        ):
            outcome(response, 428, "required")
        assert (await client.get(url)).json() == known
        assert (await send(client, "PUT", url, sent, {"if-match": 'W/"2"'})).status_code == 412
        assert (await send(client, "PUT", url, sent, {"if-match": 'W/"1"'})).status_code == 200
        change = entry("PUT", url[1:], known, if_match='W/"2"')
        assert (await send(client, "POST", "/", bundle("transaction", change))).status_code == 200
        assert (await put(client, patient(id="new", active=True))).status_code == 201
        assert (await client.delete(url)).status_code == 200
        assert (await put(client, known)).status_code == 201
        statement = (await client.get("/metadata")).json()["rest"][0]["resource"]
        assert {r["versioning"] for r in statement if "versioning" in r} == {"versioned-update"}
        assert {r["conditionalDelete"] for r in statement if "conditionalDelete" in r} == {"single"}
