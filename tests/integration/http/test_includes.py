"""_include and _revinclude: what comes along with a page of matches, on both stores."""

from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entries,
    entry,
    find,
    ids,
    link,
    organization,
    outcome,
    patient,
    send,
    surname,
)
from tests.integration.http.serving import BASE, Serve


def refers(reference: str) -> Json:
    return {"reference": reference}


def along(searchset: Json) -> list[str]:
    """Type and id of what came along, sorted."""
    found = [e["resource"] for e in searchset.get("entry", ()) if e["search"]["mode"] == "include"]
    return sorted(f"{resource['resourceType']}/{resource['id']}" for resource in found)


async def hospital(client: AsyncClient, family: str = "") -> dict[str, str]:
    """A person at a clinic of a trust, with a doctor, a relative and the record of where it came from;
    the ids by what they are.
    """
    family = family or surname()
    own = {
        what: f"{what}-{uuid4().hex[:12]}" for what in ("trust", "clinic", "doctor", "person", "kin", "trace")
    }
    agent = [{"who": refers(f"Practitioner/{own['doctor']}")}]
    resources = [
        organization(id=own["trust"], name=family),
        organization(id=own["clinic"], name=family, partOf=refers(f"Organization/{own['trust']}")),
        {"resourceType": "Practitioner", "id": own["doctor"], "active": True},
        patient(
            id=own["person"],
            name=[{"family": family}],
            managingOrganization=refers(f"Organization/{own['clinic']}"),
            generalPractitioner=[refers(f"{BASE}/Practitioner/{own['doctor']}/_history/1")],
        ),
        {"resourceType": "RelatedPerson", "id": own["kin"], "patient": refers(f"Patient/{own['person']}")},
        {
            "resourceType": "Provenance",
            "id": own["trace"],
            "target": [refers(f"{BASE}/Patient/{own['person']}")],
            "agent": agent,
        },
    ]
    sent = [entry("PUT", f"{r['resourceType']}/{r['id']}", r) for r in resources]
    response = await send(client, "POST", "/", bundle("transaction", *sent))
    assert response.status_code == 200, response.text
    return own


KINDS = {
    "trust": "Organization",
    "clinic": "Organization",
    "doctor": "Practitioner",
    "kin": "RelatedPerson",
    "trace": "Provenance",
    "person": "Patient",
}


@pytest.mark.parametrize(
    ("asked", "brought"),
    [
        ("_include=Patient:organization", "clinic"),
        ("_include=Patient:organization:Organization", "clinic"),
        ("_include=Patient:organization:Practitioner", ""),
        ("_include=Patient:general-practitioner", "doctor"),
        ("_include=Patient:*", "clinic doctor"),
        ("_include=*", "clinic doctor"),
        ("_include=Organization:partof", ""),
        ("_include=Patient:organization&_include:iterate=Organization:partof", "clinic trust"),
        ("_include=Patient:organization&_include:recurse=Organization:partof", "clinic trust"),
        ("_include:iterate=*", "clinic doctor trust"),
        ("_revinclude=Provenance:target", "trace"),
        ("_revinclude=RelatedPerson:patient&_revinclude=Provenance:target:Patient", "kin trace"),
        ("_revinclude=Provenance:target:Organization", ""),
        ("_revinclude=*", "kin trace"),
        ("_revinclude=Provenance:target&_include:iterate=Provenance:agent", "trace doctor"),
        ("_include=Patient:organization&_include=Patient:organization", "clinic"),
    ],
)
async def test_what_is_asked_for_comes_along_once(client: AsyncClient, asked: str, brought: str) -> None:
    own = await hospital(client)
    found = await find(client, f"Patient?_id={own['person']}&{asked}")
    assert along(found) == sorted(f"{KINDS[what]}/{own[what]}" for what in brought.split())
    assert (found["total"], ids(found)) == (1, [own["person"]])
    assert asked.replace(":", "%3A").replace("*", "%2A") in (link(found, "self") or "")
    for each in entries(found):
        assert each["fullUrl"] == f"{BASE}/{each['resource']['resourceType']}/{each['resource']['id']}"


async def test_a_match_does_not_come_along_with_another_match(client: AsyncClient) -> None:
    family = surname()
    first = await create(client, patient(name=[{"family": family}]))
    link_to = [{"other": refers(f"Patient/{first['id']}"), "type": "seealso"}]
    await create(client, patient(name=[{"family": family}], link=link_to))
    found = await find(client, f"Patient?family={family}&_include=Patient:link")
    assert (len(ids(found)), along(found)) == (2, [])


async def test_what_comes_along_belongs_to_its_page(client: AsyncClient) -> None:
    family = surname()
    one, other = await hospital(client, family), await hospital(client, family)
    page = await find(client, f"Patient?family={family}&_count=1&_include=Patient:organization")
    following = (await client.get(link(page, "next") or "")).json()
    assert page["total"] == following["total"] == 2
    clinics = [along(page), along(following)]
    assert sorted(clinics) == sorted([[f"Organization/{one['clinic']}"], [f"Organization/{other['clinic']}"]])


async def test_a_reference_to_what_is_deleted_or_elsewhere_brings_nothing(client: AsyncClient) -> None:
    gone = await create(client, organization(name="Closed"))
    elements: Any = {
        "managingOrganization": refers(f"Organization/{gone['id']}"),
        "generalPractitioner": [
            refers("https://elsewhere.example/fhir/Practitioner/1"),
            {"display": "Dr. Ott"},
        ],
    }
    made = await create(client, patient(**elements))
    await client.delete(f"/Organization/{gone['id']}")
    assert along(await find(client, f"Patient?_id={made['id']}&_include=*")) == []


async def test_a_circle_of_references_ends(client: AsyncClient) -> None:
    one, other = uuid4().hex, uuid4().hex
    circle = [
        entry("PUT", f"Organization/{a}", organization(id=a, name="x", partOf=refers(f"Organization/{b}")))
        for a, b in ((one, other), (other, one))
    ]
    await send(client, "POST", "/", bundle("transaction", *circle))
    found = await find(client, f"Organization?_id={one}&_include:iterate=Organization:partof")
    assert along(found) == [f"Organization/{other}"]


async def test_too_much_is_cut_and_the_answer_says_so(serve: Serve) -> None:
    async with serve(max_included=2) as client:
        clinic = await create(client, organization(name="Big"))
        cared_for = [refers(f"Organization/{clinic['id']}")]
        for _ in range(4):
            await create(client, patient(managingOrganization=cared_for[0]))
        found = await find(client, f"Organization?_id={clinic['id']}&_revinclude=Patient:organization")
        assert len(along(found)) == 2
        last = found["entry"][-1]
        assert last["search"]["mode"] == "outcome"
        assert (last["resource"]["issue"][0]["severity"], last["resource"]["issue"][0]["code"]) == (
            "warning",
            "incomplete",
        )
        people = await find(client, "Patient?_include=Patient:organization&_include=*")
        assert "outcome" not in {e["search"]["mode"] for e in people["entry"]}


@pytest.mark.parametrize(
    ("asked", "code", "expression"),
    [
        ("_include=Patient", "value", "http._include"),
        ("_include=:organization", "value", "http._include"),
        ("_include=Patient:organization:Hospital", "value", "http._include"),
        ("_include=Encounter:subject", "not-supported", "http._include"),
        ("_include=Patient:family", "not-supported", "http._include"),
        ("_revinclude=Provenance:nobody", "not-supported", "http._revinclude"),
        ("_revinclude:exact=Provenance:target", "not-supported", "http._revinclude:exact"),
        ("&".join(["_include=*"] * 21), "too-costly", "http._include"),
    ],
)
async def test_an_include_that_cannot_be_followed_is_refused(
    client: AsyncClient, asked: str, code: str, expression: str
) -> None:
    outcome(await client.get(f"/Patient?{asked}"), 400, code, expression)


async def test_criteria_of_a_write_take_no_includes(client: AsyncClient) -> None:
    refused = await client.delete("/Patient?family=Nobody&_include:iterate=*")
    outcome(refused, 400, "not-supported")
