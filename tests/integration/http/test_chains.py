"""Chains and _has over HTTP, on both stores."""

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    find,
    ids,
    organization,
    patient,
    surname,
)


@pytest.fixture
async def family(client: AsyncClient) -> Json:
    """A name of its own; two clinics, one part of the other, and a patient of each."""
    name = surname()
    head = await create(client, organization(name=f"{name} Head"))
    part = organization(name=f"{name} Part", partOf={"reference": f"Organization/{head['id']}"})
    part = await create(client, part)
    base = str(client.base_url).rstrip("/")
    of_head = {"reference": f"{base}/Organization/{head['id']}"}
    one = await create(client, patient(name=[{"family": name}], managingOrganization=of_head))
    of_part = {"reference": f"Organization/{part['id']}/_history/1"}
    two = await create(client, patient(name=[{"family": name}], managingOrganization=of_part))
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": f"Patient/{two['id']}"}],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"reference": f"Device/{name}"}}],
    }
    await create(client, provenance)
    return {"name": name, "one": one["id"], "two": two["id"], "head": head["id"]}


@pytest.mark.parametrize(
    ("search", "who"),
    [
        ("organization.name={name}", {"one", "two"}),
        ("organization.name={name} Head", {"one"}),
        ("organization:Organization.name={name} Part", {"two"}),
        ("organization.partof.name={name} Head", {"two"}),
        ("organization.partof:missing=true&family={name}", {"one"}),
        ("organization.partof={head}", {"two"}),
        ("_has:Provenance:target:agent=Device/{name}", {"two"}),
        ("_has:Provenance:target:agent:not-there=x&family={name}", None),
        ("organization._has:Organization:partof:name={name} Part", {"one"}),
        ("organization.name={name} Nobody", set()),
    ],
)
async def test_a_search_over_references_finds(
    client: AsyncClient, family: Json, search: str, who: set[str] | None
) -> None:
    asked = "Patient?" + search.format(**family)
    if who is None:
        response = await client.get(f"/{asked}")
        assert (response.status_code, response.json()["issue"][0]["code"]) == (400, "not-supported")
        return
    answer = await find(client, asked)
    assert set(ids(answer)) == {family[name] for name in who}
    assert answer["total"] == len(who)


async def test_the_self_link_says_the_chain(client: AsyncClient, family: Json) -> None:
    answer = await find(client, f"Patient?organization.name={family['name']}")
    assert f"organization.name={family['name']}" in answer["link"][0]["url"]


async def test_too_many_references_in_a_row_are_too_costly(client: AsyncClient) -> None:
    response = await client.get("/Patient?organization.partof.partof.partof.name=x")
    assert response.status_code == 400
    (issue,) = response.json()["issue"]
    assert (issue["code"], issue["expression"]) == (
        "too-costly",
        ["http.organization.partof.partof.partof.name"],
    )


async def test_criteria_over_references_work_alone_and_make_nothing_in_a_transaction(
    client: AsyncClient, family: Json
) -> None:
    url = f"Patient?organization.name={family['name']} Head"
    changed = patient(name=[{"family": f"{family['name']}neu"}])
    alone = await client.put(f"/{url}", json=changed)
    assert (alone.status_code, alone.json()["id"]) == (200, family["one"])
    together = await client.post("", json=bundle("transaction", entry("PUT", url, changed)))
    assert together.status_code == 400
    assert "criteria over references" in together.text


@pytest.mark.parametrize("name", ["_text", "_content", "_filter", "_list", "_in", "_query"])
async def test_what_is_not_served_is_refused_with_its_reason(client: AsyncClient, name: str) -> None:
    response = await client.get(f"/Patient?{name}=x")
    assert response.status_code == 400
    (issue,) = response.json()["issue"]
    assert issue["code"] == "not-supported"
    assert f'"{name}" is not served: ' in issue["details"]["text"]
