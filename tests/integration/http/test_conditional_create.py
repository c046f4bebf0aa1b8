"""Conditional create, as the specification has it and as fhirpy sends it, on both stores (C01)."""

import asyncio
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from httpx import AsyncClient

from fhir_mpi.definitions import CHECKOUT
from tests.integration.http.exchanges import (
    Json,
    bundle,
    create,
    entry,
    find,
    outcome,
    patient,
    send,
    surname,
)


def numbered(number: str, **elements: Any) -> Json:
    return patient(identifier=[{"system": "urn:n", "value": number}], **elements)


async def create_unless(client: AsyncClient, criteria: str, sent: Json, way: str) -> Any:
    if way == "query":
        return await send(client, "POST", f"/Patient?{criteria}", sent)
    return await send(client, "POST", "/Patient", sent, {"if-none-exist": criteria})


async def total(client: AsyncClient, number: str) -> int:
    found: int = (await find(client, f"Patient?identifier=urn:n|{number}&_count=0"))["total"]
    return found


@pytest.mark.parametrize("way", ["query", "header"])
async def test_the_first_makes_it_and_the_second_is_answered_what_there_is(
    client: AsyncClient, way: str
) -> None:
    number = surname()
    criteria = f"identifier=urn:n|{number}"
    first = await create_unless(client, criteria, numbered(number, active=True), way)
    assert (first.status_code, first.headers["etag"]) == (201, 'W/"1"')
    second = await create_unless(client, criteria, numbered(number, active=False), way)
    assert (second.status_code, second.json()) == (200, first.json())
    assert second.headers["content-location"] == first.headers["location"]
    assert await total(client, number) == 1


@pytest.mark.parametrize("prefix", ["?", "Patient?", " "])
async def test_the_header_may_be_written_as_a_search_is(client: AsyncClient, prefix: str) -> None:
    number = surname()
    known = await create(client, numbered(number))
    headers = {"if-none-exist": f"{prefix}identifier=urn%3An%7C{number}"}
    assert (await send(client, "POST", "/Patient", numbered(number), headers)).json() == known


@pytest.mark.parametrize("way", ["query", "header"])
async def test_several_that_meet_the_criteria_are_a_refusal(client: AsyncClient, way: str) -> None:
    number = surname()
    for _ in range(3):
        await create(client, numbered(number))
    refused = await create_unless(client, f"identifier=urn:n|{number}", numbered(number), way)
    text = outcome(refused, 412, "multiple-matches")["issue"][0]["diagnostics"]
    assert text == "Failed to CREATE Patient by criteria because this search matched 3 resources"
    assert await total(client, number) == 3


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ("identifier=", "invalid"),
        ("identifier=urn:n|1&active=", "invalid"),
        ("_unknown=1", "invalid"),
        ("identifier=urn:n|1&_unknown=1", "invalid"),
        ("identifier=urn:n|1&_count=5", "not-supported"),
        ("identifier=urn:n|1&_sort=family", "not-supported"),
        ("nick=x", "not-supported"),
        ("birthdate=yesterday", "value"),
    ],
)
@pytest.mark.parametrize("way", ["query", "header"])
async def test_criteria_that_are_not_understood_whole_are_refused(
    client: AsyncClient, way: str, criteria: str, code: str
) -> None:
    number = surname()
    outcome(await create_unless(client, criteria, numbered(number), way), 400, code)
    assert await total(client, number) == 0


async def test_a_header_without_criteria_is_refused(client: AsyncClient) -> None:
    outcome(await create_unless(client, "", patient(active=True), "header"), 400, "invalid")
    twice = await send(client, "POST", "/Patient?active=true", patient(), {"if-none-exist": "active=true"})
    outcome(twice, 400, "invalid")


async def test_an_outcome_tells_whether_anything_met_the_criteria(client: AsyncClient) -> None:
    number = surname()
    headers = {"if-none-exist": f"identifier=urn:n|{number}", "prefer": "return=OperationOutcome"}
    codes = []
    for _ in range(2):
        found = (await send(client, "POST", "/Patient", numbered(number), headers)).json()
        codes.append(found["issue"][0]["details"]["coding"][0]["code"])
    assert codes == ["SUCCESSFUL_CREATE_NO_CONDITIONAL_MATCH", "SUCCESSFUL_CREATE_WITH_CONDITIONAL_MATCH"]


async def test_what_is_deleted_or_no_longer_meets_the_criteria_is_made_again(client: AsyncClient) -> None:
    number = surname()
    criteria, made = f"identifier=urn:n|{number}", []
    for _ in range(2):
        made.append((await create_unless(client, criteria, numbered(number), "header")).json()["id"])
        await client.delete(f"/Patient/{made[-1]}")
    third = (await create_unless(client, criteria, numbered(number), "header")).json()
    await send(client, "PUT", f"/Patient/{third['id']}", patient(id=third["id"], active=True))
    fourth = await create_unless(client, criteria, numbered(number), "header")
    assert fourth.status_code == 201
    assert len({*made, third["id"], fourth.json()["id"]}) == 4


async def test_criteria_beyond_latin_1_are_read_as_what_they_are(client: AsyncClient) -> None:
    family = f"Łuk{surname()}"
    sent = patient(name=[{"family": family}])
    known = await create(client, sent)
    for criteria in (f"family={family}".encode(), f"family=ö{family}".encode()):
        headers = {b"if-none-exist": criteria, b"content-type": b"application/fhir+json"}
        response = await client.post("/Patient", json=sent, headers=headers)
        assert (response.json()["id"] == known["id"]) == (b"\xc3\xb6" not in criteria)
    asked = {"method": "POST", "url": "Patient", "ifNoneExist": f"family:exact={family}x"}
    (made,) = (await send(client, "POST", "/", bundle("batch", {"request": asked, "resource": sent}))).json()[
        "entry"
    ]
    assert made["response"]["status"] == "201 Created"


async def test_an_entry_of_a_batch_can_be_conditional(client: AsyncClient) -> None:
    number = surname()
    making = entry("POST", "Patient", numbered(number))
    making["request"]["ifNoneExist"] = f"identifier=urn:n|{number}"
    answers = (await send(client, "POST", "/", bundle("batch", making, making))).json()["entry"]
    assert [a["response"]["status"] for a in answers] == ["201 Created", "200 OK"]
    assert answers[1]["response"]["location"] == answers[0]["response"]["location"]


@pytest.mark.parametrize("way", ["query", "header"])
async def test_c01_of_a_hundred_that_create_by_one_criterion_one_makes_the_record(
    client: AsyncClient, way: str
) -> None:
    number = surname()
    sent = [numbered(number, address=[{"city": f"Ort {n}"}]) for n in range(100)]
    answers = await asyncio.gather(
        *(create_unless(client, f"identifier=urn:n|{number}", one, way) for one in sent)
    )
    assert Counter(a.status_code for a in answers) == {201: 1, 200: 99}
    assert len({a.json()["id"] for a in answers}) == 1
    assert await total(client, number) == 1


async def test_c01_creates_and_updates_by_the_same_criteria_make_one_record(client: AsyncClient) -> None:
    number = surname()
    path = f"/Patient?identifier=urn:n|{number}&active=true"
    again = f"/Patient?active=true&identifier=urn:n|{number}"
    answers = await asyncio.gather(
        *(
            send(client, ("POST", "PUT")[n % 2], (path, again)[n % 3 % 2], numbered(number, active=True))
            for n in range(40)
        )
    )
    assert Counter(a.status_code for a in answers) == {201: 1, 200: 39}
    assert await total(client, number) == 1


def test_c01_of_three_processes_that_create_by_one_criterion_one_makes_the_record(store_url: str) -> None:
    command = [sys.executable, "-m", "tests.integration.http.creator", store_url, surname(), "30"]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120)[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    done = Counter(line.split()[0] for lines in told for line in lines)
    assert done == {
        "SUCCESSFUL_CREATE_NO_CONDITIONAL_MATCH": 1,
        "SUCCESSFUL_CREATE_WITH_CONDITIONAL_MATCH": 89,
    }
    assert len({line.split()[1] for lines in told for line in lines}) == 1
