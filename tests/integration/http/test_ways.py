"""What an operator chooses where R5 leaves a choice or HAPI made another: each way, and its counterpart."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    organization,
    outcome,
    patient,
    put,
    send,
    surname,
)
from tests.integration.http.serving import BASE, Serve

PATCH = b'[{"op":"replace","path":"/active","value":false}]'
AS_PATCH = {"content-type": "application/json-patch+json"}


async def stale(client: AsyncClient) -> list[tuple[str, int]]:
    """What every write answers that names another version than the current one."""
    known = await create(client, patient(active=True))
    url, sent, tag = f"/Patient/{known['id']}", {**known, "active": False}, {"if-match": 'W/"7"'}
    change = bundle("transaction", entry("PUT", url[1:], sent, if_match='W/"7"'))
    responses = {
        "PUT": await send(client, "PUT", url, sent, tag),
        "PATCH": await send(client, "PATCH", url, PATCH, tag | AS_PATCH),
        "DELETE": await client.delete(url, headers=tag),
        "transaction": await send(client, "POST", "/", change),
    }
    for response in responses.values():
        told = outcome(response, response.status_code, "conflict")["issue"][0]["diagnostics"]
        assert f"{url[1:]}/_history/7 but this is not the current version" in told
    assert (await client.get(url)).json() == known
    return [(name, response.status_code) for name, response in responses.items()]


@pytest.mark.parametrize(("chosen", "status"), [({}, 412), ({"version_conflict": "409"}, 409)])
async def test_another_version_is_412_or_as_hapi_has_it_409(
    serve: Serve, chosen: dict[str, str], status: int
) -> None:
    async with serve(**chosen) as client:
        assert {answered for _, answered in await stale(client)} == {status}


async def test_what_never_was_is_deleted_with_success(client: AsyncClient) -> None:
    assert (await client.delete("/Patient/never")).status_code == 200
    assert (await client.delete("/Patient?identifier=urn:n|never")).status_code == 200
    change = bundle("transaction", entry("DELETE", "Patient/never"))
    assert (await send(client, "POST", "/", change)).status_code == 200


async def test_a_setting_has_the_deletion_of_what_never_was_not_found(serve: Serve) -> None:
    async with serve(delete_absent="not-found") as client:
        outcome(await client.delete("/Patient/never"), 404, "not-found")
        outcome(await client.delete("/Patient?identifier=urn:n|never"), 404, "not-found")
        known = await create(client, patient(active=True))
        url = f"Patient/{known['id']}"
        change = bundle("transaction", entry("DELETE", url), entry("DELETE", "Patient/never"))
        outcome(await send(client, "POST", "/", change), 404, "not-found", "Bundle.entry[1]")
        assert (await client.delete(f"/{url}")).status_code == 200
        assert (await client.delete(f"/{url}")).status_code == 200  # it is known, and gone


async def referred(client: AsyncClient, absolute: bool = False) -> tuple[str, Json]:
    """The place of an organization, and a patient who refers to it."""
    known = await create(client, organization(name=surname()))
    place = f"Organization/{known['id']}"
    reference = f"{BASE}/{place}" if absolute else place
    return place, await create(client, patient(managingOrganization={"reference": reference}))


async def test_what_others_refer_to_is_deleted_unless_a_setting_refuses(client: AsyncClient) -> None:
    place, _ = await referred(client)
    assert (await client.delete(f"/{place}")).status_code == 200


@pytest.mark.parametrize("absolute", [False, True])
async def test_a_setting_refuses_to_delete_what_others_refer_to(serve: Serve, absolute: bool) -> None:
    async with serve(delete_referred="refused") as client:
        place, referrer = await referred(client, absolute)
        told = f"First reference found was resource Patient/{referrer['id']}"
        for url in (f"/{place}", f"/Organization?_id={place.partition('/')[2]}"):
            refused = outcome(await client.delete(url), 409, "conflict")["issue"][0]["diagnostics"]
            assert refused.startswith(f"Unable to delete {place} because")
            assert told in refused
        alone = bundle("transaction", entry("GET", place), entry("DELETE", place))
        outcome(await send(client, "POST", "/", alone), 409, "conflict", "Bundle.entry[1]")
        assert (await client.delete(f"/Patient/{referrer['id']}")).status_code == 200
        assert (await client.delete(f"/{place}")).status_code == 200
        assert (await client.delete(f"/{place}")).status_code == 200


async def test_who_goes_in_the_same_transaction_or_lets_go_does_not_hold_what_is_deleted(
    serve: Serve,
) -> None:
    async with serve(delete_referred="refused") as client:
        place, referrer = await referred(client)
        url = f"Patient/{referrer['id']}"
        held = bundle("transaction", entry("DELETE", place), entry("PUT", url, {**referrer, "active": True}))
        outcome(await send(client, "POST", "/", held), 409, "conflict", "Bundle.entry[0]")
        freed = bundle("transaction", entry("DELETE", place), entry("PUT", url, patient(id=referrer["id"])))
        assert (await send(client, "POST", "/", freed)).status_code == 200
        place, referrer = await referred(client)
        both = bundle("transaction", entry("DELETE", place), entry("DELETE", f"Patient/{referrer['id']}"))
        assert (await send(client, "POST", "/", both)).status_code == 200


async def test_who_refers_to_itself_alone_can_be_deleted(serve: Serve) -> None:
    async with serve(delete_referred="refused") as client:
        own = organization(id="self", name="Self", partOf={"reference": "Organization/self"})
        assert (await put(client, own)).status_code == 201
        assert (await client.delete("/Organization/self")).status_code == 200


async def made(client: AsyncClient, id: str) -> set[int]:
    """What the ways answer in which a client may choose an id: an update, one by criteria, an entry."""
    found = set()
    for way in ("PUT", "criteria", "entry"):
        sent = patient(id=id, active=True, identifier=[{"system": "urn:n", "value": f"{id}{way}"}])
        url = f"Patient?identifier=urn:n|{id}{way}" if way == "criteria" else f"Patient/{id}"
        if way == "entry":
            answer = await send(client, "POST", "/", bundle("transaction", entry("PUT", url, sent)))
        else:
            answer = await send(client, "PUT", f"/{url}", sent)
        found.add(answer.status_code)
        if answer.status_code >= 400:
            expression = "Bundle.entry[0].resource.id" if way == "entry" else "Patient.id"
            assert answer.json()["issue"][0]["expression"] == [expression]
            assert (await client.get(f"/Patient/{id}")).status_code == 404
        else:
            await client.delete(f"/Patient/{id}")
    return found


@pytest.mark.parametrize(
    ("chosen", "by_number", "by_name"),
    [
        ({}, {200, 201}, {200, 201}),
        ({"client_ids": "alphanumeric"}, {400}, {200, 201}),
        ({"client_ids": "not-allowed"}, {405}, {405}),
    ],
)
async def test_the_ids_that_clients_may_choose_are_a_setting(
    serve: Serve, chosen: dict[str, str], by_number: set[int], by_name: set[int]
) -> None:
    async with serve(**chosen) as client:
        assert await made(client, "4711") == by_number
        assert await made(client, "a4711") == by_name
        known = await create(client, patient(active=True))
        assert (await put(client, {**known, "active": False})).status_code == 200
        await client.delete(f"/Patient/{known['id']}")
        assert (await put(client, known)).status_code == 201  # the server gave this id itself
        search = "/Patient?identifier=urn:n|none"
        assert (await send(client, "PUT", search, patient(active=True))).status_code == 201
        statement = (await client.get("/metadata")).json()["rest"][0]["resource"]
        assert {r["updateCreate"] for r in statement if "updateCreate" in r} == {
            chosen.get("client_ids") != "not-allowed"
        }


@pytest.mark.parametrize(
    ("chosen", "prefer", "status"),
    [
        ({}, None, 400),
        ({}, "handling=lenient", 200),
        ({}, "return=minimal; handling = lenient", 200),
        ({"unknown_parameters": "lenient"}, None, 200),
        ({"unknown_parameters": "lenient"}, 'return=minimal, handling="strict"', 400),
        ({"unknown_parameters": "lenient"}, "handling=whatever", 200),
    ],
)
async def test_unknown_parameters_are_refused_or_passed_over_as_the_setting_and_the_client_say(
    serve: Serve, chosen: dict[str, str], prefer: str | None, status: int
) -> None:
    headers = {} if prefer is None else {"prefer": prefer}
    async with serve(**chosen) as client:
        await create(client, patient(active=True))
        for url in ("/Patient?shoe-size=44", "/?_type=Patient&shoe-size=44"):
            response = await client.get(url, headers=headers)
            assert response.status_code == status
            if status == 200:
                warned = response.json()["entry"][-1]["resource"]["issue"][0]
                assert (warned["severity"], warned["code"]) == ("warning", "not-supported")
                assert "shoe-size" not in response.json()["link"][0]["url"]


async def test_a_write_by_unknown_criteria_is_refused_whatever_is_chosen(serve: Serve) -> None:
    async with serve(unknown_parameters="lenient") as client:
        known = await create(client, patient(active=True))
        response = await client.delete("/Patient?shoe-size=44", headers={"prefer": "handling=lenient"})
        outcome(response, 400, "not-supported")
        assert (await client.get(f"/Patient/{known['id']}")).status_code == 200
