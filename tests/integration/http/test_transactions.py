"""Writes by criteria inside transactions (R5 http.html#trules), on both stores."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from httpx import AsyncClient

from tests.integration.http.bundles import born_as, by, making, numbered, patching, post, run, statuses, total
from tests.integration.http.exchanges import (
    Json,
    create,
    entry,
    find,
    ids,
    outcome,
    patient,
    people,
    stored,
    surname,
)
from tests.integration.http.serving import Serve

JSON_PATCH = "application/json-patch+json"
FEMALE = b'[{"op": "add", "path": "/gender", "value": "female"}]'


async def test_a_conditional_create_makes_what_is_not_there_and_finds_what_is(client: AsyncClient) -> None:
    number, other = surname(), surname()
    first = await run(client, "transaction", making(by(number), numbered(number)))
    second = await run(
        client,
        "transaction",
        making(by(number), numbered(number, active=False)),
        making(f"Patient?{by(other)}", numbered(other)),
    )
    assert statuses(first) == ["201"]
    assert statuses(second) == ["200", "201"]
    assert second[0]["response"] == {**first[0]["response"], "status": "200 OK"}
    assert (await total(client, number), await total(client, other)) == (1, 1)


async def test_a_create_by_query_as_fhirpy_sends_it_is_conditional_too(client: AsyncClient) -> None:
    number = surname()
    for status in ("201", "200"):
        answers = await run(client, "transaction", entry("POST", f"Patient?{by(number)}", numbered(number)))
        assert statuses(answers) == [status]


async def test_a_conditional_update_makes_changes_and_leaves(client: AsyncClient) -> None:
    number, url = surname(), "Patient?"
    found = []
    for active in (True, False, False):
        sent = entry("PUT", url + by(number), numbered(number, active=active))
        found.append((await run(client, "transaction", sent))[0]["response"])
    assert [one["status"] for one in found] == ["201 Created", "200 OK", "200 OK"]
    assert [one["etag"] for one in found] == ['W/"1"', 'W/"2"', 'W/"2"']
    assert await total(client, number) == 1


async def test_a_conditional_update_makes_under_the_id_of_its_body(client: AsyncClient) -> None:
    number, id = surname(), surname()
    answers = await run(client, "transaction", entry("PUT", f"Patient?{by(number)}", numbered(number, id=id)))
    assert born_as(answers[0]) == id
    again = entry("PUT", f"Patient?{by(surname())}", numbered(number, id=id))
    outcome(await post(client, "transaction", again), 409, "conflict", "Bundle.entry[0].resource.id")
    other = entry("PUT", f"Patient?{by(number)}", numbered(number, id="another"))
    outcome(await post(client, "transaction", other), 400, "invalid", "Bundle.entry[0].resource.id")


async def test_a_conditional_update_can_name_the_version(client: AsyncClient) -> None:
    number = surname()
    await create(client, numbered(number))
    url, sent = f"Patient?{by(number)}", numbered(number, active=True)
    wrong = entry("PUT", url, sent, if_match='W/"2"')
    outcome(await post(client, "transaction", wrong), 412, "conflict", "Bundle.entry[0]")
    assert statuses(await run(client, "transaction", entry("PUT", url, sent, if_match='W/"1"'))) == ["200"]


async def test_a_patch_by_id_and_by_criteria(client: AsyncClient) -> None:
    number, known = surname(), await create(client, patient(active=True))
    await create(client, numbered(number))
    answers = await run(
        client,
        "transaction",
        patching(f"Patient/{known['id']}", JSON_PATCH, FEMALE),
        patching(f"Patient?{by(number)}", JSON_PATCH, FEMALE, if_match='W/"1"'),
        entry("GET", f"Patient/{known['id']}"),
        entry("GET", f"Patient?{by(number)}&gender=female"),
    )
    assert statuses(answers) == ["200"] * 4
    assert [a["response"]["etag"] for a in answers[:2]] == ['W/"2"', 'W/"2"']
    assert answers[2]["resource"]["gender"] == "female"
    assert answers[3]["resource"]["total"] == 1
    again = await run(client, "transaction", patching(f"Patient/{known['id']}", JSON_PATCH, FEMALE))
    assert again[0]["response"]["etag"] == 'W/"2"'


@pytest.mark.parametrize(
    ("bad", "status", "code", "expression"),
    [
        (patching("Patient/never-was", JSON_PATCH, FEMALE), 404, "not-found", "Bundle.entry[1]"),
        (patching("Patient?identifier=nobody", JSON_PATCH, FEMALE), 404, "not-found", "Bundle.entry[1]"),
        (patching("Patient/x", "text/plain", FEMALE), 415, "not-supported", "Bundle.entry[1]"),
        (patching("Patient/x", JSON_PATCH, b"{}"), 400, "structure", "Bundle.entry[1]"),
        (patching("Patient", JSON_PATCH, FEMALE), 400, "invalid", "Bundle.entry[1].request.url"),
        (
            entry("PATCH", "Patient/x", {"resourceType": "Binary"}),
            400,
            "structure",
            "Bundle.entry[1].resource",
        ),
        (
            entry("PATCH", "Patient/x", {"resourceType": "Binary", "contentType": JSON_PATCH, "data": "%%%"}),
            400,
            "structure",
            "Bundle.entry[1].resource.data",
        ),
        (
            entry("PUT", "Patient?_unknown=1", patient(active=True)),
            400,
            "invalid",
            "Bundle.entry[1].request.url",
        ),
        (
            entry("PUT", "Patient?nonsense=1", patient(active=True)),
            400,
            "not-supported",
            "Bundle.entry[1].request.url",
        ),
        (
            making("identifier=", patient(active=True)),
            400,
            "invalid",
            "Bundle.entry[1].request.ifNoneExist",
        ),
        (
            {**entry("PUT", "Patient/x", patient(id="x"))}
            | {"request": {"method": "PUT", "url": "Patient/x", "ifNoneMatch": "*"}},
            400,
            "not-supported",
            "Bundle.entry[1].request.ifNoneMatch",
        ),
        (
            entry("POST", "Patient", patient(active=True), if_match='W/"1"'),
            400,
            "not-supported",
            "Bundle.entry[1].request.ifMatch",
        ),
        (entry("PUT", "Encounter?_id=1", {"resourceType": "Encounter"}), 404, "not-found", "Bundle.entry[1]"),
        (entry("DELETE", "Encounter?_id=1"), 404, "not-found", "Bundle.entry[1]"),
        (
            entry("PUT", "Patient/x?active=true", patient(id="x")),
            400,
            "invalid",
            "Bundle.entry[1].request.url",
        ),
        (
            making("identifier=nobody", patient(birthDate="1957-13-01")),
            400,
            "value",
            "Bundle.entry[1].resource.birthDate",
        ),
        (
            entry(
                "PUT", "Patient?identifier=nobody", {"resourceType": "Organization", "id": "x", "name": "x"}
            ),
            400,
            "invalid",
            "Bundle.entry[1].resource.resourceType",
        ),
        (
            entry("PUT", "Patient?identifier=nobody", patient(id=["x"])),
            400,
            "invalid",
            "Bundle.entry[1].resource.id",
        ),
        (
            entry("POST", "Patient/x/$meta-add", {"resourceType": "Parameters"}),
            400,
            "not-supported",
            "Bundle.entry[1].request.url",
        ),
    ],
)
async def test_what_cannot_be_done_refuses_the_whole(
    client: AsyncClient, bad: Json, status: int, code: str, expression: str
) -> None:
    before, good = await stored(client), entry("POST", "Patient", patient(active=True))
    outcome(await post(client, "transaction", good, bad, good), status, code, expression)
    assert await stored(client) == before


@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE"])
async def test_several_that_meet_the_criteria_refuse_the_whole(client: AsyncClient, verb: str) -> None:
    family, made = await people(client, 3)
    url, before = f"Patient?family={family}", await stored(client)
    asked: dict[str, Json] = {
        "POST": making(f"family={family}", patient(active=True)),
        "PUT": entry("PUT", url, patient(active=True)),
        "PATCH": patching(url, JSON_PATCH, FEMALE),
        "DELETE": entry("DELETE", url),
    }
    good = entry("POST", "Patient", patient(active=True))
    response = await post(client, "transaction", good, asked[verb])
    outcome(response, 412, "multiple-matches", "Bundle.entry[1]")
    assert await stored(client) == before
    assert len(made) == 3


async def test_a_setting_lets_a_deletion_take_several(serve: Serve) -> None:
    async with serve(delete_several=True) as client:
        family, made = await people(client, 3)
        none, several = entry("DELETE", "Patient?family=Nobody"), entry("DELETE", f"Patient?family={family}")
        answers = await run(client, "transaction", none, several, prefer="return=OperationOutcome")
        texts = [a["response"]["outcome"]["issue"][0]["details"]["text"] for a in answers]
        assert texts == [
            "Nothing to delete: no Patient meets the criteria",
            "Successfully deleted 3 resources of type Patient",
        ]
        assert [(await client.get(f"/Patient/{id}")).status_code for id in made] == [410] * 3


@pytest.mark.parametrize("deletion", ["id", "criteria"])
@pytest.mark.parametrize("last", [True, False])
async def test_deletions_come_first_wherever_they_stand(
    client: AsyncClient, deletion: str, last: bool
) -> None:
    number = surname()
    known = await create(client, numbered(number))
    url = f"Patient/{known['id']}" if deletion == "id" else f"Patient?{by(number)}"
    sent = [making(by(number), numbered(number)), entry("DELETE", url)]
    answers = await run(client, "transaction", *(sent if last else sent[::-1]))
    assert sorted(statuses(answers)) == ["201", "204"]
    found = await find(client, f"Patient?{by(number)}")
    assert ids(found) == [born_as(answers[0 if last else 1])]
    assert (await client.get(f"/Patient/{known['id']}")).status_code == 410


async def test_two_entries_that_mean_the_same_resource_refuse_the_whole(client: AsyncClient) -> None:
    number = surname()
    known = await create(client, numbered(number, active=True))
    one, some = f"Patient/{known['id']}", f"Patient?{by(number)}"
    changed = numbered(number, active=False)
    ways = [
        entry("PUT", one, {**known, "active": False}),
        entry("PUT", some, changed),
        patching(some, JSON_PATCH, FEMALE),
        making(by(number), changed),
        entry("PUT", f"Patient?active=true&{by(number)}", changed),
    ]
    for first, second in pairwise(ways):
        response = await post(client, "transaction", first, second)
        outcome(response, 400, "invalid", "Bundle.entry[1]")
    both = await post(client, "transaction", entry("DELETE", one), entry("DELETE", some))
    outcome(both, 400, "invalid", "Bundle.entry[1]")
    assert (await client.get(f"/{one}")).json() == known


@pytest.mark.parametrize(
    "other",
    [
        lambda number: making(by(number), numbered(number)),
        lambda number: entry("PUT", f"Patient?{by(number)}", numbered(number)),
        lambda number: entry("POST", "Patient", numbered(number)),
        lambda number: entry("PUT", f"Patient/{number}", numbered(number, id=number)),
        lambda number: making(f"active=false&{by(number)}", numbered(number, active=True)),
    ],
)
async def test_two_entries_that_would_make_the_same_refuse_the_whole(client: AsyncClient, other: Any) -> None:
    number = surname()
    response = await post(client, "transaction", making(by(number), numbered(number)), other(number))
    refused = outcome(response, 400, "invalid")
    assert refused["issue"][0]["expression"][0] in ("Bundle.entry[0]", "Bundle.entry[1]")
    assert await total(client, number) == 0


async def test_a_resource_that_is_not_there_any_more_can_not_be_patched(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    await client.delete(f"/Patient/{known['id']}")
    response = await post(client, "transaction", patching(f"Patient/{known['id']}", JSON_PATCH, FEMALE))
    outcome(response, 410, "deleted", "Bundle.entry[0]")


async def test_a_patch_in_a_batch_fails_alone(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    url = f"Patient/{known['id']}"
    broken = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": "%%%"}
    answers = await run(
        client,
        "batch",
        patching(url, JSON_PATCH, FEMALE),
        patching(url, "application/merge-patch+json", b'{"active": null}'),
        patching(url, "text/plain", FEMALE),
        entry("PATCH", url, broken),
        patching(url, JSON_PATCH, b"[1]"),
        entry("GET", url),
    )
    assert statuses(answers) == ["200", "200", "415", "400", "400", "200"]
    found = answers[5]["resource"]
    assert ("active" in found, found["gender"], found["meta"]["versionId"]) == (False, "female", "3")


async def test_a_get_of_a_transaction_can_be_conditional(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    url = f"Patient/{known['id']}"

    def asked(**conditions: str) -> Json:
        return {"request": {"method": "GET", "url": url, **conditions}}

    updated = known["meta"]["lastUpdated"]
    for type in ("batch", "transaction"):
        answers = await run(
            client,
            type,
            asked(ifNoneMatch='W/"1"'),
            asked(ifNoneMatch='W/"2"'),
            asked(ifModifiedSince=updated),
            asked(ifModifiedSince="2000-01-01T00:00:00Z"),
            asked(ifModifiedSince="no instant"),
        )
        assert statuses(answers) == ["304", "200", "304", "200", "200"]
        assert answers[0]["response"]["etag"] == 'W/"1"'


async def test_what_a_read_of_a_transaction_does_not_find_leaves_the_writes(client: AsyncClient) -> None:
    number = surname()
    answers = await run(
        client, "transaction", entry("GET", "Patient/never-was"), entry("POST", "Patient", numbered(number))
    )
    assert statuses(answers) == ["404", "201"]
    assert await total(client, number) == 1


async def test_of_many_same_transactions_at_once_one_makes_the_set(client: AsyncClient) -> None:
    numbers = [surname() for _ in range(3)]
    sent = [making(by(number), numbered(number)) for number in numbers]
    found = await asyncio.gather(*(run(client, "transaction", *sent) for _ in range(20)))
    made = {tuple(born_as(answer) for answer in answers) for answers in found}
    assert len(made) == 1
    assert sorted(statuses(answers)[0] for answers in found) == ["200"] * 19 + ["201"]
    assert [await total(client, number) for number in numbers] == [1, 1, 1]


async def test_of_many_transactions_that_update_one_record_none_is_lost(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))

    async def change(number: int) -> int:
        sent = entry("PUT", f"Patient/{known['id']}", {**known, "birthDate": f"19{number}"})
        return (await post(client, "transaction", sent)).status_code

    done = await asyncio.gather(*(change(number) for number in range(10, 18)))
    history = (await client.get(f"/Patient/{known['id']}/_history")).json()
    assert history["total"] == 1 + done.count(200)
    assert set(done) <= {200, 409}


async def test_too_many_references_by_search_are_refused(serve: Serve) -> None:
    async with serve(max_bundle_entries=2) as client:
        links = [{"reference": f"Practitioner?identifier={n}"} for n in range(3)]
        response = await post(
            client, "transaction", entry("POST", "Patient", patient(generalPractitioner=links))
        )
        outcome(response, 400, "too-costly")
