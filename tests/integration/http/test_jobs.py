"""Requests that are answered later (R5 async-bundle.html), on one server."""

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from fhir_mpi.app import build_intake, open_services
from fhir_mpi.definitions import load_definitions
from fhir_mpi.fhir.outcome import Conflict, Unavailable
from fhir_mpi.interactions.jobs import JobKind, Result, Running, accept, planned
from fhir_mpi.interactions.services import Services
from fhir_mpi.operations import worker
from fhir_mpi.operations.background import JOBS
from fhir_mpi.operations.worker import MOST_ATTEMPTS, Worker
from fhir_mpi.settings import Settings
from fhir_mpi.storage.port import Job, UnitOfWork
from tests.integration.http.exchanges import create, issue, outcome, patient, send, stored
from tests.integration.http.serving import BASE, Serve

LATER = {"prefer": "respond-async"}
QUICK = {"job_poll": 0.01}


class Gate:
    """A job that makes a patient once it is let: what came in, what was let out."""

    def __init__(self) -> None:
        self.begun, self.open, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.runs = 0

    async def run(self, services: Services, running: Running) -> None:
        self.runs += 1
        await running.commit(progress="waiting at the gate", checkpoint={"runs": self.runs})
        self.begun.set()
        try:
            await self.open.wait()
            sent = patient(active=True)
            write = services.intake.write(
                sent, id=services.new_id(), expected=0, now=services.clock(), method="POST"
            )
            await running.finish(Result(200, {"resourceType": "Parameters"}), UnitOfWork([write]))
        finally:
            self.ended.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    found = Gate()
    monkeypatch.setitem(JOBS, "gate", JobKind(found.run))
    yield found
    found.open.set()


async def ask(client: AsyncClient, url: str) -> Response:
    """The answer of a job that is sure to come to an end."""
    for _ in range(3000):
        response = await client.get(url)
        if response.status_code != 202:
            return response
        await asyncio.sleep(0.01)
    raise AssertionError("the job has no end")


async def begin(store: str, kind: str, **given: Any) -> Job:
    """A job put into a store by another process than the one that runs it."""
    settings, definitions = Settings(store=store), load_definitions()
    async with open_services(settings, definitions, build_intake(definitions, settings)) as services:
        job = planned(services, kind, given)
        await accept(services, job)
        return job


async def test_an_operation_is_answered_later_where_the_client_would_have_it_so(serve: Serve) -> None:
    async with serve(expunge=True, **QUICK) as client:
        known = await create(client, patient(active=True))
        await client.delete(f"/Patient/{known['id']}")
        wanted = {
            "resourceType": "Parameters",
            "parameter": [{"name": "expungeDeletedResources", "valueBoolean": True}],
        }
        response = await send(client, "POST", "/Patient/$expunge", wanted, LATER)
        assert (response.status_code, response.content) == (202, b"")
        assert response.headers["preference-applied"] == "respond-async"
        url = response.headers["content-location"]
        assert url.startswith(f"{BASE}/_jobs/")
        answer = await ask(client, url)
        assert answer.status_code == 200
        assert answer.headers["expires"].endswith("GMT")
        count = {"resourceType": "Parameters", "parameter": [{"name": "count", "valueInteger": 2}]}
        assert answer.json() == {
            "resourceType": "Bundle",
            "type": "batch-response",
            "entry": [{"resource": count, "response": {"status": "200 OK"}}],
        }
        outcome(await client.get(f"/Patient/{known['id']}"), 404, "not-found")


async def test_what_would_be_refused_at_once_is_refused_in_the_answer(serve: Serve) -> None:
    async with serve(expunge=True, **QUICK) as client:
        response = await send(client, "POST", "/Patient/$expunge", None, LATER)
        (entry,) = (await ask(client, response.headers["content-location"])).json()["entry"]
        assert entry["response"]["status"] == "400 Bad Request"
        issue(entry["response"]["outcome"], "required")


async def test_a_job_that_goes_on_says_how_far_it_is(serve: Serve, store_url: str, gate: Gate) -> None:
    job = await begin(store_url, "gate")
    async with serve(store=store_url, jobs=0) as idle:
        response = await idle.get(f"/_jobs/{job.id}")
        assert (response.status_code, response.headers["x-progress"]) == (202, "accepted")
    async with serve(store=store_url, **QUICK) as client:
        await gate.begun.wait()
        response = await client.get(f"/_jobs/{job.id}")
        assert (response.status_code, response.headers["x-progress"]) == (202, "waiting at the gate")
        assert int(response.headers["retry-after"]) > 0
        gate.open.set()
        assert (await ask(client, f"/_jobs/{job.id}")).status_code == 200
        assert (await stored(client))["Patient"] == 1


async def test_a_job_that_is_taken_away_does_nothing_more(serve: Serve, store_url: str, gate: Gate) -> None:
    job = await begin(store_url, "gate")
    async with serve(store=store_url, **QUICK) as client:
        await gate.begun.wait()
        assert (await client.delete(f"/_jobs/{job.id}")).status_code == 202
        outcome(await client.get(f"/_jobs/{job.id}"), 404, "not-found")
        gate.open.set()
        await gate.ended.wait()
        assert (await stored(client))["Patient"] == 0
        outcome(await client.delete(f"/_jobs/{job.id}"), 404, "not-found")


async def test_a_result_can_be_forgotten(serve: Serve, store_url: str, gate: Gate) -> None:
    gate.open.set()
    job = await begin(store_url, "gate")
    async with serve(store=store_url, **QUICK) as client:
        assert (await ask(client, f"/_jobs/{job.id}")).status_code == 200
        assert (await client.delete(f"/_jobs/{job.id}")).status_code == 202
        outcome(await client.get(f"/_jobs/{job.id}"), 404, "not-found")
        assert (await stored(client))["Patient"] == 1


async def test_a_result_is_kept_for_a_time_only(serve: Serve, store_url: str, gate: Gate) -> None:
    gate.open.set()
    job = await begin(store_url, "gate")
    async with serve(store=store_url, job_lifetime=0.001, **QUICK) as client:
        outcome(await ask(client, f"/_jobs/{job.id}"), 404, "not-found")
        assert (await stored(client))["Patient"] == 1


async def test_a_server_that_ends_gives_back_what_it_had_begun(
    serve: Serve, store_url: str, gate: Gate
) -> None:
    job = await begin(store_url, "gate")
    async with serve(store=store_url, **QUICK):
        await gate.begun.wait()
    gate.open.set()
    async with serve(store=store_url, **QUICK) as client:
        assert (await ask(client, f"/_jobs/{job.id}")).status_code == 200
        assert (await stored(client))["Patient"] == 1
    assert gate.runs == 2


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Conflict("no"), "409", "conflict"), (RuntimeError("Otti"), "500", "exception")],
)
async def test_a_job_that_fails_says_so(
    serve: Serve,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
    logged: io.StringIO,
    error: Exception,
    status: str,
    code: str,
) -> None:
    async def fail(_: Services, __: Running) -> None:
        raise error

    monkeypatch.setitem(JOBS, "fail", JobKind(fail))
    job = await begin(store_url, "fail")
    async with serve(store=store_url, **QUICK) as client:
        (entry,) = (await ask(client, f"/_jobs/{job.id}")).json()["entry"]
        assert entry["response"]["status"].startswith(status)
        issue(entry["response"]["outcome"], code)
        assert "Otti" not in logged.getvalue() + str(entry)


async def test_a_job_that_ends_without_a_result_has_failed(
    serve: Serve, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forget(_: Services, __: Running) -> None:
        return

    monkeypatch.setitem(JOBS, "forget", JobKind(forget))
    job = await begin(store_url, "forget")
    async with serve(store=store_url, **QUICK) as client:
        (entry,) = (await ask(client, f"/_jobs/{job.id}")).json()["entry"]
        issue(entry["response"]["outcome"], "exception")


async def test_a_job_whose_store_was_not_there_is_tried_again(
    serve: Serve, store_url: str, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    gate.open.set()
    failures = [Unavailable("gone"), Unavailable("gone")]

    async def fail(services: Services, running: Running) -> None:
        if failures:
            raise failures.pop()
        await gate.run(services, running)

    monkeypatch.setattr(worker, "PAUSE", 0.01)
    monkeypatch.setitem(JOBS, "gate", JobKind(fail))
    job = await begin(store_url, "gate")
    async with serve(store=store_url, **QUICK) as client:
        assert (await ask(client, f"/_jobs/{job.id}")).status_code == 200
        assert (await stored(client))["Patient"] == 1


async def services_of(store: str, **settings: Any) -> Any:
    given, definitions = Settings(store=store, **settings), load_definitions()
    return open_services(given, definitions, build_intake(definitions, given))


async def test_a_job_that_ends_every_process_is_given_up(store_url: str, gate: Gate) -> None:
    job = await begin(store_url, "gate")

    async def die(_: Services, __: Running) -> None:
        raise GeneratorExit  # as little is done after it as after a kill

    async with await services_of(store_url, job_lease=0.001) as services:
        dying = Worker(services, {"gate": JobKind(die)}, at_once=1, poll=1)
        for _ in range(MOST_ATTEMPTS):
            with pytest.raises(GeneratorExit):
                await dying.turn()
            await asyncio.sleep(0.002)
        assert await Worker(services, JOBS, at_once=1, poll=1).turn()
        found = await services.store.job(job.id)
        assert '"status":500' in found.result
        assert gate.runs == 0


async def test_a_job_of_another_release_does_not_hold_up_the_others(store_url: str, gate: Gate) -> None:
    gate.open.set()
    other, ours = await begin(store_url, "of tomorrow"), await begin(store_url, "gate")
    async with await services_of(store_url) as services:
        assert await Worker(services, JOBS, at_once=1, poll=1).turn()
        assert (await services.store.job(ours.id)).result
        left = await services.store.job(other.id)
        assert (left.result, left.owner, left.attempts) == (None, None, 0)


async def test_a_lease_that_is_renewed_is_nobody_elses(store_url: str, gate: Gate) -> None:
    job = await begin(store_url, "gate")
    async with await services_of(store_url, job_lease=0.3) as services:
        first = asyncio.create_task(Worker(services, JOBS, at_once=1, poll=1).turn())
        await gate.begun.wait()
        before = (await services.store.job(job.id)).due
        for _ in range(1000):
            if (await services.store.job(job.id)).due > before:
                break
            await asyncio.sleep(0.01)
        assert (await services.store.job(job.id)).due > before
        assert not await Worker(services, JOBS, at_once=1, poll=1).turn()
        gate.open.set()
        assert await first
        assert gate.runs == 1
