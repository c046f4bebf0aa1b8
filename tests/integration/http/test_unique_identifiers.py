"""Identifiers of systems whose values are unique: one resource of a type has each (C02), on both stores."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    find,
    issue,
    organization,
    outcome,
    patient,
    put,
    send,
    surname,
)
from tests.integration.http.serving import Serve

OWNED = "urn:mrn"


@pytest.fixture
async def site(serve: Serve) -> AsyncIterator[AsyncClient]:
    """A server on an empty store where the identifiers of two systems are unique."""
    async with serve(unique_identifiers=f"{OWNED}, urn:other") as client:
        yield client


def numbered(value: str, system: str = OWNED, **elements: Any) -> Json:
    return patient(identifier=[{"system": system, "value": value}], **elements)


def taken(response: Response, expression: str = "Patient.identifier") -> None:
    text = outcome(response, 409, "duplicate", expression)["issue"][0]["diagnostics"]
    assert "another Patient" in text


async def total(client: AsyncClient, search: str = f"Patient?identifier={OWNED}|1") -> int:
    found: int = (await find(client, f"{search}&_count=0"))["total"]
    return found


async def test_a_second_record_with_the_identifier_is_refused_whatever_the_verb(site: AsyncClient) -> None:
    await create(site, numbered("1"))
    other = await create(site, numbered("2"))
    taken(await send(site, "POST", "/Patient", numbered("1")))
    taken(await put(site, numbered("1", id="by-put")))
    taken(await put(site, numbered("1", id=other["id"])))
    taken(await send(site, "PUT", "/Patient?family=Nobody", numbered("1")))
    taken(await send(site, "POST", "/Patient?family=Nobody", numbered("1")))
    change = [{"op": "replace", "path": "/identifier/0/value", "value": "1"}]
    headers = {"content-type": "application/json-patch+json"}
    taken(await send(site, "PATCH", f"/Patient/{other['id']}", change, headers))
    assert await total(site) == 1
    assert (await site.get(f"/Patient/{other['id']}")).json() == other


async def test_other_systems_other_types_and_the_same_record_are_not_held_up(site: AsyncClient) -> None:
    first = await create(site, numbered("1"))
    await create(site, numbered("1", "urn:free"))
    await create(site, numbered("1", "urn:free"))
    await create(site, patient(identifier=[{"value": "1"}, {"system": OWNED}]))
    await create(site, organization(name="Clinic", identifier=[{"system": OWNED, "value": "1"}]))
    again = await put(site, {**first, "active": True})
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"2"')


async def test_an_identifier_is_free_again_once_its_record_has_it_no_more(site: AsyncClient) -> None:
    first = await create(site, numbered("1"))
    await site.delete(f"/Patient/{first['id']}")
    second = await create(site, numbered("1"))
    taken(await put(site, numbered("1", id=first["id"])))
    await put(site, numbered("9", id=second["id"]))
    assert (await put(site, numbered("1", id=first["id"]))).status_code == 201
    taken(await put(site, numbered("1", id=second["id"])))


async def test_what_was_stored_before_the_setting_counts(serve: Serve, store_url: str) -> None:
    async with serve(store=store_url) as client:
        for _ in range(3):
            await create(client, numbered("1"))
    async with serve(store=store_url, unique_identifiers=OWNED) as client:
        taken(await send(client, "POST", "/Patient", numbered("1")))
        assert await total(client) == 3


async def test_an_entry_that_brings_it_refuses_the_whole_transaction(site: AsyncClient) -> None:
    await create(site, numbered("1"))
    family = surname()
    fine = entry("POST", "Patient", numbered("2", name=[{"family": family}]))
    sent = bundle("transaction", fine, entry("POST", "Patient", numbered("1")))
    taken(await send(site, "POST", "/", sent), "Bundle.entry[1].resource.identifier")
    assert await total(site, f"Patient?family={family}") == 0
    twice = bundle("transaction", fine, fine)
    taken(await send(site, "POST", "/", twice), "Bundle.entry[1].resource.identifier")
    answers = (await send(site, "POST", "/", bundle("batch", fine, fine))).json()["entry"]
    assert [a["response"]["status"][:3] for a in answers] == ["201", "409"]
    issue(answers[1]["response"]["outcome"], "duplicate", "Patient.identifier")


async def test_a_transaction_can_hand_an_identifier_on(site: AsyncClient) -> None:
    first = await create(site, numbered("1"))
    moved = bundle(
        "transaction",
        entry("PUT", f"Patient/{first['id']}", patient(id=first["id"], active=False)),
        entry("PUT", "Patient/heir", numbered("1", id="heir")),
    )
    assert (await send(site, "POST", "/", moved)).status_code == 200
    found = await find(site, f"Patient?identifier={OWNED}|1")
    assert [e["resource"]["id"] for e in found["entry"]] == ["heir"]


async def test_c02_of_a_hundred_creates_with_one_identifier_one_makes_the_record(site: AsyncClient) -> None:
    sent = [numbered("1", address=[{"city": f"Ort {n}"}]) for n in range(100)]
    answers = await asyncio.gather(*(send(site, "POST", "/Patient", one) for one in sent))
    assert Counter(a.status_code for a in answers) == {201: 1, 409: 99}
    for refused in (a for a in answers if a.status_code == 409):
        taken(refused)
    assert await total(site) == 1


async def test_of_records_that_take_up_an_identifier_at_once_one_gets_it(site: AsyncClient) -> None:
    made = [await create(site, patient(active=True)) for _ in range(20)]
    answers = await asyncio.gather(*(put(site, numbered("1", id=one["id"])) for one in made))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 19}
    assert await total(site) == 1
