"""Bundles with much to do or much to answer leave room for other clients, on both stores."""

import asyncio
from collections.abc import Awaitable

import pytest
from httpx import AsyncClient, Response

from fhir_mpi.http import batches
from tests.integration.http.exchanges import (
    Json,
    alive,
    bundle,
    create,
    entry,
    issue,
    patient,
    people,
    send,
    surname,
)

ENTRIES = 100


async def answered_meanwhile(client: AsyncClient, asked: Awaitable[Response]) -> int:
    """How many requests of another client are answered before this one is."""
    running, others = asyncio.ensure_future(asked), 0
    while not running.done():
        assert await alive(client)
        others += 1
        await asyncio.sleep(0)  # in one process, an answer may need no turn of the event loop
    assert running.result().status_code == 200
    return others


async def test_other_clients_are_answered_while_a_batch_of_reads_runs(client: AsyncClient) -> None:
    known = await create(client, patient(active=True))
    reads = [entry("GET", f"Patient/{known['id']}")] * ENTRIES
    asked = send(client, "POST", "/", bundle("batch", *reads))
    assert await answered_meanwhile(client, asked) > ENTRIES / 10


async def test_other_clients_are_answered_while_a_transaction_is_planned(client: AsyncClient) -> None:
    writes = [entry("POST", "Patient", patient(name=[{"family": surname()}])) for _ in range(ENTRIES)]
    asked = send(client, "POST", "/", bundle("transaction", *writes))
    assert await answered_meanwhile(client, asked) > ENTRIES / 10


@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_entries_are_not_run_once_those_before_have_answered_enough(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, type: str
) -> None:
    family, born = await people(client, 2)
    search = entry("GET", f"Patient?family={family}")
    monkeypatch.setattr(batches, "ANSWER_BYTES", 1000)
    response = await send(client, "POST", "/", bundle(type, *[search] * 4))
    answers: list[Json] = response.json()["entry"]
    assert [a["response"]["status"][:3] for a in answers] == ["200", "200", "413", "413"]
    assert [a["resource"]["total"] for a in answers[:2]] == [len(born)] * 2
    issue(answers[2]["response"]["outcome"], "too-costly")
    assert "resource" not in answers[3]


async def test_what_writes_takes_no_room_in_the_answer(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ANSWER_BYTES", 1000)
    writes = [entry("POST", "Patient", patient(name=[{"family": "x" * 600}])) for _ in range(5)]
    response = await send(client, "POST", "/", bundle("batch", *writes))
    assert {a["response"]["status"] for a in response.json()["entry"]} == {"201 Created"}
