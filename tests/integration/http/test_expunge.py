"""$expunge: gone for good where a setting allows it, and nothing more than what was asked."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entries,
    entry,
    find,
    ids,
    match,
    organization,
    outcome,
    patient,
    person,
    put,
    send,
    stored,
    surname,
)
from tests.integration.http.serving import Serve

DELETED, PREVIOUS, EVERYTHING = "expungeDeletedResources", "expungePreviousVersions", "expungeEverything"


@pytest.fixture
async def expunging(serve: Serve) -> AsyncIterator[AsyncClient]:
    async with serve(expunge=True, max_bundle_entries=1500) as client:
        yield client


def asked(*flags: str, **values: Any) -> Json:
    """The Parameters of a call, as HAPI's clients send it."""
    given: list[Json] = [{"name": flag, "valueBoolean": True} for flag in flags]
    given += ({"name": name, "valueInteger": value} for name, value in values.items())
    return {"resourceType": "Parameters", "parameter": given}


async def expunge(client: AsyncClient, at: str, *flags: str, **values: Any) -> int:
    response = await send(client, "POST", f"{at}/$expunge", asked(*flags, **values))
    assert response.status_code == 200, response.text
    (count,) = response.json()["parameter"]
    assert count == {"name": "count", "valueInteger": count["valueInteger"]}
    return int(count["valueInteger"])


async def versions(client: AsyncClient, at: str) -> list[str]:
    """Of a resource, newest first, and the total that the history says."""
    response = await client.get(f"{at}/_history")
    if response.status_code == 404:
        return []
    found = response.json()
    assert found["total"] == len(found["entry"])
    return [each["response"]["etag"] for each in found["entry"]]


async def changed(client: AsyncClient, times: int, **elements: Any) -> str:
    """A patient in this many versions, and where it is."""
    known = await create(client, patient(**elements))
    for number in range(1, times):
        known = (await put(client, {**known, "birthDate": f"19{number:02d}-01-01"})).json()
    assert known["meta"]["versionId"] == str(times)
    return f"/Patient/{known['id']}"


async def removed(client: AsyncClient, times: int, **elements: Any) -> str:
    at = await changed(client, times - 1, **elements)
    assert (await client.delete(at)).status_code == 200
    return at


@pytest.mark.parametrize("at", ["", "/Patient", "/Patient/some"])
async def test_it_is_refused_and_not_declared_where_no_setting_allows_it(
    client: AsyncClient, at: str
) -> None:
    for body in (asked(DELETED), {"resourceType": "Nonsense"}, None):
        refused = outcome(await send(client, "POST", f"{at}/$expunge", body), 405, "not-supported")
        assert refused["issue"][0]["diagnostics"] == "$expunge is not enabled on this server"
    assert "expunge" not in (await client.get("/metadata")).text.lower()
    assert (await find(client, "OperationDefinition?code=expunge"))["total"] == 0
    outcome(await client.get("/OperationDefinition/Resource-expunge"), 404, "not-found")


async def test_it_is_declared_where_a_setting_allows_it(expunging: AsyncClient) -> None:
    statement = (await expunging.get("/metadata")).json()["rest"][0]
    url = "https://fhir-mpi.github.io/fhir/OperationDefinition/Resource-expunge"
    served = [each for each in statement["resource"] if each["type"] in await stored(expunging)]
    for declared in (statement, *served):
        (found,) = [each for each in declared["operation"] if each["name"] == "expunge"]
        assert found["definition"] == url
    assert ids(await find(expunging, f"OperationDefinition?url={url}")) == ["Resource-expunge"]


async def test_a_deleted_resource_is_not_found_any_more(expunging: AsyncClient) -> None:
    at, kept = await removed(expunging, 3), await changed(expunging, 1)
    outcome(await expunging.get(at), 410, "deleted")
    assert await expunge(expunging, at, DELETED) == 3
    for path in (at, f"{at}/_history/1", f"{at}/_history/3", f"{at}/_history"):
        outcome(await expunging.get(path), 404, "not-found")
    for history in ("/_history", "/Patient/_history"):
        assert at not in (await expunging.get(history)).text
    assert await versions(expunging, kept) == ['W/"1"']
    outcome(await send(expunging, "POST", f"{at}/$expunge", asked(DELETED)), 404, "not-found")


async def test_a_current_resource_loses_its_previous_versions_only(expunging: AsyncClient) -> None:
    family = surname()
    at = await changed(expunging, 4, name=[{"family": family}])
    before = (await expunging.get(at)).json()
    assert await expunge(expunging, at, DELETED) == 0
    assert await expunge(expunging, at, DELETED, PREVIOUS) == 3
    assert await versions(expunging, at) == ['W/"4"']
    assert (await expunging.get(at)).json() == before
    assert ids(await find(expunging, f"Patient?name={family}")) == [before["id"]]
    outcome(await expunging.get(f"{at}/_history/1"), 404, "not-found")
    after = await send(expunging, "PUT", at, {**before, "active": True}, {"if-match": 'W/"4"'})
    assert after.json()["meta"]["versionId"] == "5"


async def test_what_is_left_of_a_history_is_told_as_updates(expunging: AsyncClient) -> None:
    at = await changed(expunging, 3)
    await expunge(expunging, at, PREVIOUS, limit=1)
    found = (await expunging.get(f"{at}/_history")).json()["entry"]
    assert [each["response"]["status"][:3] for each in found] == ["200", "200"]


async def test_a_type_is_expunged_without_the_others(expunging: AsyncClient) -> None:
    at, current = await removed(expunging, 2), await changed(expunging, 2)
    other = await create(expunging, organization(name="Haus"))
    place = f"/Organization/{other['id']}"
    await expunging.delete(place)
    assert await expunge(expunging, "/Patient", DELETED, PREVIOUS) == 3
    assert await versions(expunging, at) == []
    assert await versions(expunging, current) == ['W/"2"']
    assert await versions(expunging, place) == ['W/"2"', 'W/"1"']
    assert await expunge(expunging, "", DELETED, PREVIOUS) == 2
    assert await versions(expunging, place) == []


async def test_everything_goes_of_the_whole_system(expunging: AsyncClient) -> None:
    family = surname()
    await create(expunging, person(family))
    await removed(expunging, 2)
    await create(expunging, organization(name="Haus"))
    assert await expunge(expunging, "", EVERYTHING) == 4
    assert set((await stored(expunging)).values()) == {0}
    assert entries((await expunging.get("/_history")).json()) == []
    assert entries((await match(expunging, person(family))).json()) == []
    await create(expunging, person(family))
    assert len(entries((await match(expunging, person(family))).json())) == 1


@pytest.mark.parametrize("at", ["/Patient", "/Patient/known"])
async def test_everything_can_only_be_asked_of_the_whole_system(expunging: AsyncClient, at: str) -> None:
    await put(expunging, patient(id="known"))
    response = await send(expunging, "POST", f"{at}/$expunge", asked(EVERYTHING, DELETED))
    outcome(response, 400, "invalid", "Parameters.parameter.where(name='expungeEverything').value")
    assert (await expunging.get("/Patient/known")).status_code == 200


async def test_a_limit_is_kept_and_says_where_it_ended(expunging: AsyncClient) -> None:
    at = await removed(expunging, 4)
    assert await expunge(expunging, "", DELETED, PREVIOUS, limit=3) == 3
    assert await versions(expunging, at) == ['W/"4"']
    outcome(await expunging.get(at), 410, "deleted")
    assert await expunge(expunging, "", DELETED, PREVIOUS, limit=3) == 1
    assert await versions(expunging, at) == []


async def test_without_a_limit_a_call_ends_at_a_thousand_and_everything_at_the_bound(
    expunging: AsyncClient,
) -> None:
    for _ in range(2):
        many = [entry("POST", "Patient", patient(active=True)) for _ in range(800)]
        assert (await send(expunging, "POST", "/", bundle("transaction", *many))).status_code == 200
    assert await expunge(expunging, "", EVERYTHING) == 1500
    assert await expunge(expunging, "", EVERYTHING) == 100
    at = await changed(expunging, 1)
    for active in (True, False):
        ways = [entry("PUT", f"Patient/p{n}", patient(id=f"p{n}", active=active)) for n in range(1100)]
        assert (await send(expunging, "POST", "/", bundle("transaction", *ways))).status_code == 200
    assert await expunge(expunging, "", PREVIOUS) == 1000
    assert await expunge(expunging, "", PREVIOUS) == 100
    assert (await expunging.get(at)).status_code == 200


def refused(response: Response, code: str, expression: str) -> None:
    outcome(response, 400, code, expression)


async def test_a_call_that_makes_no_sense_is_refused(expunging: AsyncClient) -> None:
    at, limit = await removed(expunging, 2), "Parameters.parameter.where(name='limit').value"
    for body in (asked(), asked(limit=5), None, {"resourceType": "Parameters"}):
        refused(await send(expunging, "POST", "/$expunge", body), "required", "Parameters")
    for number in (0, -1):
        refused(await send(expunging, "POST", "/$expunge", asked(DELETED, limit=number)), "value", limit)
    refused(await send(expunging, "POST", "/$expunge", asked(DELETED, limit=1501)), "too-costly", limit)
    outcome(await send(expunging, "POST", "/Patient/never/$expunge", asked(DELETED)), 404, "not-found")
    assert (await expunging.get("/$expunge?expungeDeletedResources=true")).status_code == 405
    nothing = {"resourceType": "Parameters", "parameter": [{"name": DELETED, "valueBoolean": False}]}
    refused(await send(expunging, "POST", "/$expunge", nothing), "required", "Parameters")
    assert await versions(expunging, at) == ['W/"2"', 'W/"1"']


async def test_a_transaction_does_not_expunge(expunging: AsyncClient) -> None:
    at = await removed(expunging, 2)
    calls = bundle("transaction", entry("POST", "$expunge", asked(DELETED)))
    assert (await send(expunging, "POST", "/", calls)).status_code == 400
    assert await versions(expunging, at) == ['W/"2"', 'W/"1"']


async def test_an_id_may_be_given_again_and_begins_anew(expunging: AsyncClient) -> None:
    at = await removed(expunging, 3, name=[{"family": surname()}])
    await expunge(expunging, at, DELETED)
    again = await put(expunging, patient(id=at.rpartition("/")[2], active=True))
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"1"')
    assert "name" not in again.json()
    assert await versions(expunging, at) == ['W/"1"']


async def test_what_was_unique_may_be_had_again(serve: Serve) -> None:
    mrn = [{"system": "urn:mrn", "value": surname()}]
    async with serve(expunge=True, unique_identifiers=frozenset({"urn:mrn"})) as client:
        for _ in range(2):
            at = f"/Patient/{(await create(client, patient(identifier=mrn)))['id']}"
            outcome(await send(client, "POST", "/Patient", patient(identifier=mrn)), 409, "duplicate")
            await client.delete(at)
            assert await expunge(client, at, DELETED) == 2
        criteria = {"if-none-exist": f"identifier=urn:mrn|{mrn[0]['value']}"}
        first = await send(client, "POST", "/Patient", patient(identifier=mrn), criteria)
        assert first.status_code == 201
        assert (await send(client, "POST", "/Patient", patient(identifier=mrn), criteria)).status_code == 200
