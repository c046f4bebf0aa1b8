"""What a record that was merged away is afterwards (R5 patient-operation-merge.html)."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    bundle,
    create,
    entry,
    find,
    ids,
    match,
    outcome,
    patient,
    person,
    put,
    send,
    surname,
)
from tests.integration.http.linked import Linked
from tests.integration.http.merges import identifier, merge_any, merged, now, reference, two, undo
from tests.integration.http.serving import Serve


@pytest.fixture
async def pair(client: AsyncClient) -> tuple[Any, Any]:
    """Who was merged away, and the survivor, as they are now."""
    source, target = await two(client, identifier=[identifier(surname())])
    await create(client, {"resourceType": "RelatedPerson", "patient": reference(source)})
    await merged(client, source=source, target=target)
    return await now(client, source), await now(client, target)


async def test_it_is_read_as_inactive_and_says_who_replaced_it(pair: tuple[Any, Any]) -> None:
    retired, survivor = pair
    assert retired["active"] is False
    assert retired["link"] == [{"other": reference(survivor), "type": "replaced-by"}]


async def test_it_is_found_by_its_id_and_left_out_of_what_is_active(
    client: AsyncClient, pair: tuple[Any, Any]
) -> None:
    retired, survivor = pair
    assert ids(await find(client, f"Patient?_id={retired['id']}")) == [retired["id"]]
    assert ids(await find(client, f"Patient?_id={retired['id']}&active=true")) == []
    value = retired["identifier"][0]["value"]
    found = ids(await find(client, f"Patient?identifier={value}"))
    assert sorted(found) == sorted([retired["id"], survivor["id"]])
    assert ids(await find(client, f"Patient?identifier={value}&active=true")) == [survivor["id"]]


async def test_nothing_is_about_it_any_more(client: AsyncClient, pair: tuple[Any, Any]) -> None:
    retired, survivor = pair
    assert ids(await find(client, f"RelatedPerson?patient={retired['id']}")) == []
    assert len(ids(await find(client, f"RelatedPerson?patient={survivor['id']}"))) == 1


async def test_everything_about_it_is_asked_of_the_survivor(
    client: AsyncClient, pair: tuple[Any, Any]
) -> None:
    retired, survivor = pair
    found = outcome(await client.get(f"/Patient/{retired['id']}/$everything"), 400, "invalid")
    assert f"Patient/{survivor['id']}" in found["issue"][0]["diagnostics"]
    response = await client.get(f"/Patient/{survivor['id']}/$everything")
    types = [e["resource"]["resourceType"] for e in response.json()["entry"]]
    assert types.count("RelatedPerson") == 1


async def test_it_gets_no_new_references(client: AsyncClient, pair: tuple[Any, Any]) -> None:
    retired, survivor = pair
    text = f"Patient/{retired['id']} was replaced by Patient/{survivor['id']}: refer to that"
    kin = {"resourceType": "RelatedPerson", "patient": reference(retired)}
    versioned = {**kin, "patient": {"reference": f"Patient/{retired['id']}/_history/1"}}
    other = await create(client, {**kin, "patient": reference(survivor)})
    for response in (
        await send(client, "POST", "/RelatedPerson", kin),
        await send(client, "POST", "/RelatedPerson", versioned),
        await put(client, {**other, "patient": reference(retired)}),
        await send(
            client,
            "PATCH",
            f"/RelatedPerson/{other['id']}",
            {"patient": reference(retired)},
            {"content-type": "application/merge-patch+json"},
        ),
    ):
        found = outcome(response, 422, "processing", "RelatedPerson")
        assert found["issue"][0]["diagnostics"] == text
    together = bundle("transaction", entry("POST", "Patient", patient()), entry("POST", "RelatedPerson", kin))
    outcome(await send(client, "POST", "/", together), 422, "processing", "Bundle.entry[1].resource")
    assert await now(client, other) == other


async def test_references_that_are_there_may_stay(client: AsyncClient, pair: tuple[Any, Any]) -> None:
    retired, survivor = pair
    assert (await put(client, {**survivor, "gender": "female"})).status_code == 200
    assert (await put(client, {**retired, "gender": "female"})).status_code == 200


async def test_organizations_that_were_merged_get_none_either(client: AsyncClient) -> None:
    source, target = [await create(client, {"resourceType": "Organization", "name": n}) for n in "OP"]
    assert (await merge_any(client, "Organization", source=source, target=target)).status_code == 200
    response = await send(client, "POST", "/Patient", patient(managingOrganization=reference(source)))
    outcome(response, 422, "processing")


async def test_a_match_answers_the_survivor_alone(client: AsyncClient) -> None:
    family = surname()
    source, target = await create(client, person(family)), await create(client, person(family))
    await merged(client, source=source, target=target)
    assert ids((await match(client, person(family))).json()) == [target["id"]]


async def test_golden_records_follow_a_merge(serve: Serve) -> None:
    async with serve(mdm="match-and-link") as client:
        first, second = [
            await create(client, {"resourceType": "Organization", "name": name, "active": True})
            for name in ("Alpha Clinic", "Beta House")
        ]
        source = await create(client, person(surname(), managingOrganization=reference(first)))
        target = await create(client, person(surname()))
        response = await merge_any(client, "Organization", source=first, target=second)
        assert response.status_code == 200, response.text
        goldens = (await client.get("/Patient?_tag=GOLDEN_RECORD")).json()["entry"]
        managed = [e["resource"].get("managingOrganization") for e in goldens]
        assert reference(second) in managed
        assert reference(first) not in managed
        await merged(client, source=source, target=target)
        assert (await now(client, source))["active"] is False


@pytest.mark.parametrize("alike", [True, False])
async def test_a_merge_and_its_undoing_keep_what_records_are_linked_to(linked: Linked, alike: bool) -> None:
    client = linked.client
    source, first = await linked.source(linked.person())
    target, second = await linked.source(person(linked.family if alike else surname()))
    assert (first == second) is alike
    before = [await links(linked, each) for each in (source, target, first, second)]
    goldens = [await content(client, each) for each in (first, second)]
    await merged(client, source=source, target=target)
    assert [await links(linked, each) for each in (source, target, first, second)] == before
    response = await undo(client, source=source, target=target)
    assert response.status_code == 200, response.text
    assert [await links(linked, each) for each in (source, target, first, second)] == before
    assert [await content(client, each) for each in (first, second)] == goldens


async def links(linked: Linked, name: str) -> list[tuple[Any, ...]]:
    """The links to and from a record."""
    parts = ("goldenResourceId", "sourceResourceId", "matchResult", "linkSource")
    found = [*await linked.links(resourceId=name), *await linked.links(goldenResourceId=name)]
    return sorted(tuple(link[part] for part in parts) for link in found)


async def content(client: AsyncClient, name: str) -> Any:
    """What a record says, its version left out."""
    response = await client.get(f"/{name}")
    assert response.status_code == 200, response.text
    return {key: value for key, value in response.json().items() if key != "meta"}
