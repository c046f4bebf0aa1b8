"""What the entries of a transaction call each other by, and references by search, on both stores."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.bundles import born_as, by, making, numbered, patching, post, run, statuses
from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    organization,
    outcome,
    patient,
    people,
    put,
    send,
    stored,
    surname,
)
from tests.integration.http.serving import BASE, Serve

HOUSE = "urn:uuid:0b5f4f5e-4b0b-4d0e-9c5f-0c1f6f0f5d11"


def managed(reference: str, **elements: Any) -> Json:
    return patient(managingOrganization={"reference": reference}, **elements)


async def kept(client: AsyncClient, answer: Json) -> Json:
    """The resource that a location names."""
    found: Json = (await client.get(answer["response"]["location"])).json()
    return found


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_a_url_may_be_absolute_below_the_base(client: AsyncClient, type: str) -> None:
    number, known = surname(), await create(client, patient(active=True))
    one = f"{BASE}/Patient/{known['id']}"
    answers = await run(
        client,
        type,
        entry("POST", f"{BASE}/Patient", numbered(number)),
        entry("PUT", one, {**known, "active": False}, full_url=one),
        entry("GET", f"{one}/_history/1"),
        entry("GET", f"{BASE}/Patient?{by(number)}"),
        entry("GET", f"{BASE}/metadata"),
    )
    assert statuses(answers) == ["201", "200", "200", "200", "200"]
    assert answers[2]["resource"] == known
    assert answers[3]["resource"]["total"] == 1


async def test_the_base_is_known_by_its_public_name_and_by_the_one_that_was_used(serve: Serve) -> None:
    async with serve(base_url="https://public.test/r5/") as client:
        answers = await run(
            client,
            "batch",
            entry("GET", "https://public.test/r5/Patient"),
            entry("GET", f"{BASE}/Patient"),
            entry("GET", "https://public.test/other/Patient"),
        )
        assert statuses(answers) == ["200", "200", "404"]


@pytest.mark.parametrize("path", ["", "/"])
async def test_a_bundle_is_taken_with_and_without_a_slash(client: AsyncClient, path: str) -> None:
    response = await send(client, "POST", f"{BASE}{path}", bundle("transaction", entry("GET", "metadata")))
    assert response.status_code == 200


async def test_a_bundle_sent_to_its_type_is_refused_as_any_type_that_is_not_served(
    client: AsyncClient,
) -> None:
    outcome(await send(client, "POST", "/Bundle", bundle("transaction")), 404, "not-found")


async def test_every_kind_of_link_to_an_entry_finds_it(client: AsyncClient) -> None:
    narrative = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{HOUSE}">{HOUSE}</a></div>'
    sent = managed(
        f"{HOUSE}#room",
        text={"status": "generated", "div": narrative},
        extension=[
            {"url": "urn:x", "valueUri": HOUSE},
            {"url": "urn:x", "valueCanonical": HOUSE},
            {"url": "urn:x", "valueString": HOUSE},
        ],
        identifier=[{"system": "urn:ietf:rfc:3986", "value": HOUSE}],
        _birthDate={"extension": [{"url": "urn:x", "valueReference": {"reference": HOUSE}}]},
    )
    answers = await run(
        client,
        "transaction",
        entry("POST", "Patient", sent),
        entry("POST", "Organization", organization(name="Haus"), full_url=HOUSE),
    )
    found, house = await kept(client, answers[0]), f"Organization/{born_as(answers[1])}"
    assert found["managingOrganization"]["reference"] == f"{house}#room"
    assert found["_birthDate"]["extension"][0]["valueReference"]["reference"] == house
    assert found["extension"] == [
        {"url": "urn:x", "valueUri": house},
        {"url": "urn:x", "valueCanonical": HOUSE},
        {"url": "urn:x", "valueString": HOUSE},
    ]
    assert found["identifier"][0]["value"] == HOUSE
    assert found["text"]["div"] == narrative.replace(f'"{HOUSE}"', f'"{house}"')


async def test_entries_may_refer_to_each_other_in_a_circle(client: AsyncClient) -> None:
    one, two = "urn:uuid:1", "urn:uuid:2"

    def linked(to: str) -> Json:
        return patient(link=[{"other": {"reference": to}, "type": "seealso"}])

    answers = await run(
        client,
        "transaction",
        entry("POST", "Patient", linked(two), full_url=one),
        entry("POST", "Patient", linked(one), full_url=two),
    )
    for mine, other in ((0, 1), (1, 0)):
        reference = (await kept(client, answers[mine]))["link"][0]["other"]["reference"]
        assert reference == f"Patient/{born_as(answers[other])}"


@pytest.mark.parametrize(
    ("full_url", "id", "reference"),
    [
        (None, "mine", "Organization/mine"),
        (f"{BASE}/Organization/mine", "mine", f"{BASE}/Organization/mine"),
        (
            "http://elsewhere.test/fhir/Organization/mine",
            None,
            "http://elsewhere.test/fhir/Organization/mine",
        ),
        ("http://elsewhere.test/fhir/Organization/mine", None, "Organization/mine"),
        ("http://elsewhere.test/fhir/Organization/mine", "mine", "Organization/mine#x"),
    ],
)
async def test_an_entry_is_known_by_the_id_it_had_elsewhere(
    client: AsyncClient, full_url: str | None, id: str | None, reference: str
) -> None:
    house = organization(name="Haus", **({"id": id} if id else {}))
    given = {"full_url": full_url} if full_url else {}
    mine = {"full_url": "http://elsewhere.test/fhir/Patient/7"} if full_url else {}
    answers = await run(
        client,
        "transaction",
        entry("POST", "Patient", managed(reference), **mine),
        entry("POST", "Organization", house, **given),
    )
    found = (await kept(client, answers[0]))["managingOrganization"]["reference"]
    assert found.removesuffix("#x") == f"Organization/{born_as(answers[1])}"


async def test_an_id_that_two_entries_bring_or_another_has_is_no_name_for_an_entry(
    client: AsyncClient,
) -> None:
    shared, given = surname(), surname()
    await put(client, organization(id=given, name="Before"))
    answers = await run(
        client,
        "transaction",
        entry("POST", "Organization", organization(name="A", id=shared)),
        entry("POST", "Organization", organization(name="B", id=shared)),
        entry("POST", "Organization", organization(name="C", id=given)),
        entry("PUT", f"Organization/{given}", organization(name="D", id=given)),
        entry("POST", "Patient", managed(f"Organization/{shared}")),
        entry("POST", "Patient", managed(f"Organization/{given}")),
    )
    for answer, id in ((answers[4], shared), (answers[5], given)):
        assert (await kept(client, answer))["managingOrganization"]["reference"] == f"Organization/{id}"


async def test_a_link_to_what_a_condition_finds_or_makes(client: AsyncClient) -> None:
    number, other = surname(), surname()
    there = {"system": "urn:n", "value": number}
    known = await create(client, organization(name="Haus", identifier=[there]))
    answers = await run(
        client,
        "transaction",
        entry("POST", "Patient", managed("urn:uuid:1")),
        making(by(number), organization(name="Haus", identifier=[there]), full_url="urn:uuid:1"),
        entry("POST", "Patient", managed("urn:uuid:2")),
        entry("PUT", f"Organization?{by(other)}", organization(name="Neu"), full_url="urn:uuid:2"),
    )
    first, second = await kept(client, answers[0]), await kept(client, answers[2])
    assert first["managingOrganization"]["reference"] == f"Organization/{known['id']}"
    assert second["managingOrganization"]["reference"] == f"Organization/{born_as(answers[3])}"


async def test_a_link_that_a_patch_brings_finds_its_entry(client: AsyncClient) -> None:
    known = await create(client, managed("urn:uuid:of-somebody-elses"))
    change = b'{"generalPractitioner": [{"reference": "urn:uuid:1"}]}'
    answers = await run(
        client,
        "transaction",
        patching(f"Patient/{known['id']}", "application/merge-patch+json", change),
        entry("POST", "Organization", organization(name="Haus"), full_url="urn:uuid:1"),
    )
    found = (await client.get(f"/Patient/{known['id']}")).json()
    assert found["generalPractitioner"][0]["reference"] == f"Organization/{born_as(answers[1])}"
    assert found["managingOrganization"] == known["managingOrganization"]


async def test_a_link_to_an_entry_that_deletes_finds_none(client: AsyncClient) -> None:
    known = await create(client, organization(name="Haus"))
    gone = entry("DELETE", f"Organization/{known['id']}", full_url="urn:uuid:1")
    where = "Bundle.entry[1].resource.managingOrganization.reference"
    response = await post(client, "transaction", gone, entry("POST", "Patient", managed("urn:uuid:1")))
    outcome(response, 400, "invalid", where)


async def test_a_reference_by_search_finds_what_is_stored(client: AsyncClient) -> None:
    number = surname()
    known = await create(client, organization(name="H", identifier=[{"system": "urn:n", "value": number}]))
    search = f"Organization?{by(number)}"
    answers = await run(
        client,
        "transaction",
        entry("POST", "Patient", managed(search)),
        entry("POST", "Patient", managed(search.replace("|", "%7C"))),
        entry("PUT", f"Patient/{number}", managed(search, id=number)),
    )
    for answer in answers:
        found = (await kept(client, answer))["managingOrganization"]["reference"]
        assert found == f"Organization/{known['id']}"


async def test_a_reference_by_search_finds_what_the_transaction_leaves_behind(client: AsyncClient) -> None:
    """R5 resolves them last: what is made is found, what is deleted or changed is what it will be."""
    made, gone, changed = surname(), surname(), surname()

    def house(number: str, **elements: Any) -> Json:
        return organization(name="H", identifier=[{"system": "urn:n", "value": number}], **elements)

    old = await create(client, house(gone))
    moving = await create(client, house(changed))
    answers = await run(
        client,
        "transaction",
        entry("POST", "Patient", managed(f"Organization?{by(made)}")),
        entry("POST", "Organization", house(made)),
        entry("POST", "Patient", managed(f"Organization?{by(gone)}")),
        entry("PUT", f"Organization/{moving['id']}", house(gone, id=moving["id"])),
        entry("DELETE", f"Organization/{old['id']}"),
    )
    found = [(await kept(client, a))["managingOrganization"]["reference"] for a in (answers[0], answers[2])]
    assert found == [f"Organization/{born_as(answers[1])}", f"Organization/{moving['id']}"]
    where = "Bundle.entry[0].resource.managingOrganization.reference"
    nobody = entry("POST", "Patient", managed(f"Organization?{by(changed)}"))
    outcome(await post(client, "transaction", nobody), 400, "invalid", where)


async def test_a_patch_may_bring_a_reference_by_search_and_be_found_by_one(client: AsyncClient) -> None:
    number = surname()
    known, house = await create(client, patient(active=True)), await create(client, organization(name="H"))
    link = f'{{"managingOrganization": {{"reference": "Organization?{by(number)}"}}}}'.encode()
    named = f'{{"identifier": [{{"system": "urn:n", "value": "{number}"}}]}}'.encode()
    await run(
        client,
        "transaction",
        patching(f"Patient/{known['id']}", "application/merge-patch+json", link),
        patching(f"Organization/{house['id']}", "application/merge-patch+json", named),
    )
    found = (await client.get(f"/Patient/{known['id']}")).json()
    assert found["managingOrganization"]["reference"] == f"Organization/{house['id']}"


@pytest.mark.parametrize(
    ("reference", "status", "code"),
    [
        ("Organization?identifier=urn:n|nobody", 400, "invalid"),
        ("Organization?nonsense=1", 400, "not-supported"),
        ("Organization?identifier=", 400, "invalid"),
        ("Organization?_count=1", 400, "not-supported"),
        ("Encounter?identifier=1", 404, "not-found"),
        ("Nonsense?identifier=1", 404, "not-found"),
    ],
)
async def test_a_reference_by_search_that_finds_nothing_refuses_the_whole(
    client: AsyncClient, reference: str, status: int, code: str
) -> None:
    before, good = await stored(client), entry("POST", "Patient", patient(active=True))
    response = await post(client, "transaction", good, entry("POST", "Patient", managed(reference)))
    outcome(response, status, code, "Bundle.entry[1].resource.managingOrganization.reference")
    assert await stored(client) == before


async def test_a_reference_by_search_that_finds_several_refuses_the_whole(client: AsyncClient) -> None:
    family, _ = await people(client, 2)
    link = {"other": {"reference": f"Patient?family={family}"}, "type": "seealso"}
    response = await post(client, "transaction", entry("POST", "Patient", patient(link=[link])))
    where = "Bundle.entry[0].resource.link[0].other.reference"
    outcome(response, 412, "multiple-matches", where)


async def test_what_a_reference_by_search_might_find_must_be_valid(client: AsyncClient) -> None:
    response = await post(
        client,
        "transaction",
        entry("POST", "Patient", managed("Organization?name=x")),
        entry("POST", "Organization", organization(name=7)),
    )
    outcome(response, 400, "structure", "Bundle.entry[1].resource.name")
