"""$ihe-pix and $lookup-eid: whose an identifier is, also where it went from one person to another."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.integration.http.exchanges import Json, outcome, parameters, person
from tests.integration.http.linking import POSSIBLE, Linked, link, linked_server
from tests.integration.http.serving import BASE, NewStoreUrl, Serve

EID = "http://hapifhir.io/fhir/NamingSystem/mdm-golden-resource-enterprise-id"
MRN, LAB, CARD = "urn:mrn", "urn:lab", "urn:card"
PIX, LOOKUP = "/Patient/$ihe-pix", "/Patient/$lookup-eid"


def number(system: str, value: str, **more: Any) -> Json:
    return {"system": system, "value": value, **more}


@pytest.fixture
async def linked(serve: Serve, new_store_url: NewStoreUrl) -> AsyncIterator[Linked]:
    """Anna with a number of the hospital, one of the laboratory and an EID; Bert with one of each too."""
    async with linked_server(serve, new_store_url) as server:
        for name in "ab":
            await server.person(f"{name}1", f"{name}2")
            await server.put(f"{name}1", identifier=[number(MRN, name)])
            await server.put(f"{name}2", identifier=[number(LAB, name), number(LAB, f"{name}+")])
            await server.put(f"g{name}1", identifier=[number(EID, name), number(MRN, name)])
        yield server


async def pix(linked: Linked, source: str, *targets: str) -> tuple[list[str], list[str]]:
    """`system|value` of the identifiers, and the ids of the Patients that are answered."""
    response = await linked.client.get(PIX, params={"sourceIdentifier": source, "targetSystem": targets})
    assert response.status_code == 200, response.text
    parts: Sequence[Json] = response.json().get("parameter", ())
    found = [p["valueIdentifier"] for p in parts if p["name"] == "targetIdentifier"]
    ids = [p["valueReference"]["reference"] for p in parts if p["name"] == "targetId"]
    assert all(id.startswith(f"{BASE}/Patient/") for id in ids)
    return sorted(f"{i['system']}|{i['value']}" for i in found), sorted(id.rpartition("/")[2] for id in ids)


async def test_iti_83_answers_every_other_identifier_and_record_of_the_person(linked: Linked) -> None:
    found = await pix(linked, f"{MRN}|a")
    assert found == ([f"{EID}|a", f"{LAB}|a", f"{LAB}|a+"], ["a1", "a2", "ga1"])


async def test_iti_83_answers_target_domains_only_and_who_has_a_number_there(linked: Linked) -> None:
    assert await pix(linked, f"{MRN}|a", LAB) == ([f"{LAB}|a", f"{LAB}|a+"], ["a2"])
    assert await pix(linked, f"{LAB}|a", EID, MRN) == ([f"{EID}|a", f"{MRN}|a"], ["a1", "ga1"])
    assert await pix(linked, f"{LAB}|a+", LAB) == ([f"{LAB}|a"], ["a2"])


async def test_a_record_that_nothing_is_linked_to_is_answered_alone(linked: Linked) -> None:
    await linked.put("c1", identifier=[number(MRN, "c"), number(CARD, "c")])
    await linked.link(link("ga1", "c1", POSSIBLE))
    assert await pix(linked, f"{MRN}|c") == ([f"{CARD}|c"], ["c1"])
    assert await pix(linked, f"{MRN}|c", LAB) == ([], [])


async def test_a_cross_reference_may_be_asked_for_by_post(linked: Linked) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "sourceIdentifier", "valueString": f"{MRN}|a"},
            {"name": "targetSystem", "valueUri": EID},
        ],
    }
    answer = (await linked.client.post(PIX, json=body)).json()
    assert [part["name"] for part in answer["parameter"]] == ["targetIdentifier", "targetId"]


@pytest.mark.parametrize(
    ("query", "status", "code", "text"),
    [
        (
            {"sourceIdentifier": "urn:mrn|x"},
            404,
            "not-found",
            "sourceIdentifier Patient Identifier not found",
        ),
        (
            {"sourceIdentifier": "urn:no|x"},
            400,
            "code-invalid",
            "sourceIdentifier Assigning Authority not found",
        ),
        (
            {"sourceIdentifier": "urn:mrn|a", "targetSystem": "urn:no"},
            403,
            "code-invalid",
            "targetSystem not found",
        ),
        ({"sourceIdentifier": "a"}, 400, "value", "an identifier is written system|value"),
        ({"sourceIdentifier": "urn:mrn|"}, 400, "value", "an identifier is written system|value"),
        ({"sourceIdentifier": "|a"}, 400, "value", "an identifier is written system|value"),
        ({}, 400, "required", "parameter sourceIdentifier is required"),
        ({"sourceIdentifier": "urn:mrn|a", "_format": "xml"}, 406, "not-supported", None),
    ],
)
async def test_iti_83_has_an_error_for_each_case(
    linked: Linked, query: dict[str, str], status: int, code: str, text: str | None
) -> None:
    issue = outcome(await linked.client.get(PIX, params=query), status, code)["issue"][0]
    assert text in (None, issue["diagnostics"])


@pytest.mark.parametrize(
    "given_up",
    [
        number(MRN, "a", use="old"),
        number(MRN, "a", period={"end": "2020-02"}),
        number(MRN, "a", period={"start": "2999-01-01"}),
        number(MRN, "other"),
    ],
)
async def test_a_number_that_moved_to_another_person_is_only_theirs(linked: Linked, given_up: Json) -> None:
    for id in ("a1", "ga1"):
        await linked.put(id, identifier=[given_up, number(CARD, f"card-{id}")])
    await linked.put("b1", identifier=[number(MRN, "b"), number(MRN, "a", period={"start": "2020-03"})])
    assert (await pix(linked, f"{MRN}|a"))[1] == ["b1", "b2", "gb1"]
    identifiers, _ = await pix(linked, f"{LAB}|a")
    assert f"{MRN}|a" not in identifiers


async def test_a_number_that_was_given_up_is_nobodys(linked: Linked) -> None:
    for id in ("a1", "ga1"):
        await linked.put(id, identifier=[number(MRN, "a", use="old")])
    refused = await linked.client.get(PIX, params={"sourceIdentifier": f"{MRN}|a"})
    outcome(refused, 404, "not-found")


async def test_a_record_that_was_merged_away_has_no_number_any_more(linked: Linked) -> None:
    await linked.put("b1", identifier=[number(MRN, "b"), number(MRN, "a")])
    await linked.put("a1", active=False, identifier=[number(MRN, "a")])
    await linked.put("ga1", identifier=[number(EID, "a")])
    assert (await pix(linked, f"{MRN}|a"))[1] == ["b1", "b2", "gb1"]
    assert await pix(linked, f"{LAB}|a") == ([f"{EID}|a", f"{LAB}|a+"], ["a2", "ga1"])


async def test_what_only_the_golden_record_still_has_counts_for_its_eid_alone(linked: Linked) -> None:
    await linked.put("a1", active=False, identifier=[number(MRN, "a")])
    outcome(await linked.client.get(PIX, params={"sourceIdentifier": f"{MRN}|a"}), 404, "not-found")
    assert await pix(linked, f"{EID}|a", MRN) == ([], [])
    assert await pix(linked, f"{LAB}|a", MRN, EID) == ([f"{EID}|a"], ["ga1"])


async def test_a_number_that_two_people_have_is_an_answer_for_neither(linked: Linked) -> None:
    await linked.put("b1", identifier=[number(MRN, "a")])
    for path, name in ((PIX, "sourceIdentifier"), (LOOKUP, "identifier")):
        refused = await linked.client.get(path, params={name: f"{MRN}|a"})
        outcome(refused, 409, "multiple-matches")


async def test_a_number_of_very_many_records_is_a_placeholder(linked: Linked) -> None:
    for start in range(2):
        entries = [
            {
                "resource": {"resourceType": "Patient", "identifier": [number(MRN, "0000")]},
                "request": {"method": "POST", "url": "Patient"},
            }
            for _ in range(51)
        ]
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        assert (await linked.client.post("/", json=body)).status_code == 200, start
    refused = await linked.client.get(PIX, params={"sourceIdentifier": f"{MRN}|0000"})
    outcome(refused, 400, "too-costly")


async def test_a_recycled_number_makes_no_certain_match(linked: Linked) -> None:
    """Another person with the number of the first, who gave it up or whose system never said so."""
    for use in ("old", "official"):
        first = person(f"Recycled{use}", identifier=[number(MRN, f"recycled-{use}", use=use)])
        await linked.put(f"first{use}", **{k: v for k, v in first.items() if k != "resourceType"})
        second = person(f"Nextholder{use}", identifier=[number(MRN, f"recycled-{use}")])
        bare = {"resourceType": "Patient", "identifier": second["identifier"]}
        for probe, grade in ((second, []), (bare, ["possible"])):
            response = await linked.client.post("/Patient/$match", json=parameters(probe))
            assert response.status_code == 200, response.text
            grades = [e["search"]["extension"][0]["valueCode"] for e in response.json().get("entry", ())]
            assert grades == grade
            certain = await linked.client.post(
                "/Patient/$match", json=parameters(probe, onlyCertainMatches=True)
            )
            assert certain.json()["total"] == 0


async def eid(linked: Linked, path: str, **query: str) -> dict[str, list[Any]]:
    response = await linked.client.get(path, params=query or None)
    assert response.status_code == 200, response.text
    found: dict[str, list[Any]] = {}
    for part in response.json()["parameter"]:
        value = part.get("valueString") or part["valueIdentifier"]["value"]
        found.setdefault(part["name"], []).append(value)
    return found


async def test_the_eid_is_found_by_any_record_and_any_identifier(linked: Linked) -> None:
    anna = {
        "eid": ["a"],
        "goldenResourceId": ["Patient/ga1"],
        "sourceResourceId": ["Patient/a1", "Patient/a2"],
    }
    for path in ("/Patient/a1/$lookup-eid", "/Patient/ga1/$lookup-eid"):
        assert await eid(linked, path) == anna
    for text in (f"{MRN}|a", f"{LAB}|a+", f"{EID}|a"):
        assert await eid(linked, LOOKUP, identifier=text) == anna


async def test_what_has_no_golden_record_has_no_eid(linked: Linked) -> None:
    await linked.put("c1", identifier=[number(MRN, "c")])
    for path in ("/Patient/c1/$lookup-eid", f"{LOOKUP}?identifier={MRN}|c", f"{LOOKUP}?identifier={MRN}|no"):
        outcome(await linked.client.get(path), 404, "not-found")
    outcome(await linked.client.get("/Patient/nobody/$lookup-eid"), 404, "not-found")


async def test_an_eid_is_looked_up_by_a_record_or_by_an_identifier(linked: Linked) -> None:
    outcome(await linked.client.get(LOOKUP), 400, "required")
    refused = await linked.client.get(f"/Patient/a1/$lookup-eid?identifier={MRN}|a")
    outcome(refused, 400, "invalid")


async def test_organizations_have_eids_too(linked: Linked) -> None:
    golden = (await linked.create("Organization", name="Clinic", identifier=[number(EID, "o")])).partition(
        "/"
    )[2]
    clinic = (await linked.create("Organization", name="Clinic")).partition("/")[2]
    await linked.link(link(golden, clinic, type="Organization"))
    assert (await eid(linked, f"/Organization/{clinic}/$lookup-eid"))["eid"] == ["o"]
