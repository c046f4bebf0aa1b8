"""Idempotency-Key: a request that is sent again is done once (IETF draft, sections 2.6 and 2.7)."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response

from fhir_mpi.fhir.outcome import Unavailable
from fhir_mpi.interactions.idempotency import Key
from fhir_mpi.storage.mongo import MongoStore
from fhir_mpi.storage.sqlite import SqliteStore
from tests.integration.http.exchanges import (
    bundle,
    create,
    entry,
    outcome,
    patient,
    put,
    send,
    stored,
    surname,
)
from tests.integration.http.merges import asked, parts, two
from tests.integration.http.serving import Serve


def key(text: str | None = None) -> dict[str, str]:
    return {"idempotency-key": text or uuid4().hex}


def same(one: Response, other: Response) -> bool:
    """Whether two answers say the same, but for what belongs to each request."""
    own = ("x-request-id", "content-length", "server", "date")
    heads = [{k: v for k, v in r.headers.items() if k not in own} for r in (one, other)]
    return (one.status_code, one.content, heads[0]) == (other.status_code, other.content, heads[1])


async def count(client: AsyncClient, family: str) -> int:
    found: int = (await client.get(f"/Patient?family={family}")).json()["total"]
    return found


async def test_a_create_that_is_sent_again_is_done_once(client: AsyncClient) -> None:
    family, sent = surname(), key()
    first, again = [
        await send(client, "POST", "/Patient", patient(name=[{"family": family}]), sent) for _ in range(2)
    ]
    assert first.status_code == 201
    assert same(first, again)
    assert await count(client, family) == 1
    await send(client, "POST", "/Patient", patient(name=[{"family": family}]), key())
    assert await count(client, family) == 2


@pytest.mark.parametrize("spelling", ["abc-{}", '"abc-{}"'])
async def test_quotes_around_a_key_do_not_count(client: AsyncClient, spelling: str) -> None:
    number = uuid4().hex
    first = await send(client, "POST", "/Patient", patient(active=True), key(f"abc-{number}"))
    again = await send(client, "POST", "/Patient", patient(active=True), key(spelling.format(number)))
    assert same(first, again)


async def test_every_unsafe_request_takes_a_key(client: AsyncClient) -> None:
    known, other = await two(client)
    url = f"/Patient/{known['id']}"
    patch = {"content-type": "application/merge-patch+json"}
    add = {
        "resourceType": "Parameters",
        "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}],
    }
    for method, path, body, headers in (
        ("PUT", url, {**known, "gender": "male"}, {}),
        ("PATCH", url, {"gender": "female"}, patch),
        ("POST", f"{url}/$meta-add", add, {}),
        ("POST", "/", bundle("transaction", entry("POST", "Patient", patient(active=True))), {}),
        ("POST", "/", bundle("batch", entry("POST", "Patient", patient(active=True))), {}),
        ("POST", "/Patient/$merge", asked(source=known, target=other), {}),
        ("DELETE", url, None, {}),
        ("DELETE", url, None, {"prefer": "return=minimal"}),
    ):
        sent = {**key(), **headers}
        first = await send(client, method, path, body, sent)
        assert first.status_code < 300, first.text
        assert same(first, await send(client, method, path, body, sent)), (method, path)


async def test_a_key_of_another_request_is_refused(client: AsyncClient) -> None:
    sent, body = key(), patient(active=True)
    await send(client, "POST", "/Patient", body, sent)
    for method, path, other, more in (
        ("POST", "/Patient", patient(active=False), {}),
        ("POST", "/Patient?identifier=urn:n|1", body, {}),
        ("POST", "/Person", {"resourceType": "Person"}, {}),
        ("POST", "/Patient", body, {"prefer": "return=minimal"}),
    ):
        outcome(await send(client, method, path, other, {**sent, **more}), 422, "processing")


@pytest.mark.parametrize("wrong", ["a" * 256, '"a', '""', "a\tb"])
async def test_a_key_that_is_none_is_refused(client: AsyncClient, wrong: str) -> None:
    outcome(await send(client, "POST", "/Patient", patient(active=True), key(wrong)), 400, "value")


async def test_a_setting_can_want_a_key_on_all_that_changes_something(serve: Serve) -> None:
    async with serve(idempotency_required=True) as client:
        outcome(await send(client, "POST", "/Patient", patient(active=True)), 400, "required")
        both = bundle("batch", entry("POST", "Patient", patient(active=True)), entry("GET", "Patient"))
        answers = (await send(client, "POST", "/", both, key())).json()["entry"]
        assert [a["response"]["status"] for a in answers] == ["201 Created", "200 OK"]
        form = {"content-type": "application/x-www-form-urlencoded"}
        for response in (
            await client.get("/Patient"),
            await send(client, "POST", "/Patient/_search", b"active=true", form),
            await send(client, "POST", "/Patient/$validate", patient(active=True)),
        ):
            assert response.status_code == 200, response.text


async def test_of_a_hundred_at_once_one_is_done_and_all_are_answered_alike(client: AsyncClient) -> None:
    family, sent = surname(), key()
    body = patient(name=[{"family": family}])
    answers = await asyncio.gather(*(send(client, "POST", "/Patient", body, sent) for _ in range(100)))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            outcome(answer, 409, "conflict")
    done = [answer for answer in answers if answer.status_code == 201]
    assert done
    assert all(same(done[0], answer) for answer in done)
    assert await count(client, family) == 1


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """A commit that writes waits: set when it has come, and let go on by the second."""
    come, go = asyncio.Event(), asyncio.Event()
    for kind in (SqliteStore, MongoStore):
        real = kind.commit

        async def waiting(self: Any, work: Any, real: Any = real) -> None:
            if work.writes and not come.is_set():
                come.set()
                await go.wait()
            await real(self, work)

        monkeypatch.setattr(kind, "commit", waiting)
    yield come, go
    go.set()


async def test_a_request_that_is_under_way_is_a_conflict(
    client: AsyncClient, held: tuple[asyncio.Event, asyncio.Event]
) -> None:
    come, go = held
    sent = key()
    first = asyncio.create_task(send(client, "POST", "/Patient", patient(active=True), sent))
    await come.wait()
    outcome(await send(client, "POST", "/Patient", patient(active=True), sent), 409, "conflict")
    outcome(await send(client, "POST", "/Patient", patient(active=False), sent), 422, "processing")
    go.set()
    assert same(await first, await send(client, "POST", "/Patient", patient(active=True), sent))


async def test_a_key_that_is_taken_over_writes_nothing_more(
    serve: Serve, held: tuple[asyncio.Event, asyncio.Event]
) -> None:
    come, go = held
    async with serve(job_lease=0.01, jobs=0) as client:
        sent = key()
        first = asyncio.create_task(send(client, "POST", "/Patient", patient(active=True), sent))
        await come.wait()
        await asyncio.sleep(0.02)
        second = await send(client, "POST", "/Patient", patient(active=True), sent)
        go.set()
        assert second.status_code == 201
        outcome(await first, 409, "conflict")
        assert (await stored(client))["Patient"] == 1


async def test_what_was_refused_may_be_sent_again(client: AsyncClient) -> None:
    known, sent = await create(client, patient(active=True)), key()
    change = {**known, "gender": "male"}
    stale = {**sent, "if-match": 'W/"2"'}
    url = f"/Patient/{known['id']}"
    outcome(await send(client, "PUT", url, change, stale), 412, "conflict")
    await put(client, {**known, "gender": "other"})
    assert (await send(client, "PUT", url, change, stale)).status_code == 200
    outcome(await send(client, "PUT", url, change, sent), 422, "processing")
    response = await send(client, "POST", "/Patient/$merge", asked(source=known, target=known), sent := key())
    assert response.status_code == 422
    again = await send(client, "POST", "/Patient/$merge", asked(source=known, target=known), sent)
    assert list(parts(again)) == ["input", "outcome"]


async def test_a_failure_that_wrote_nothing_gives_the_key_back(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve() as client:
        sent = key()
        with monkeypatch.context() as patched:

            async def fail(*_: Any) -> None:
                raise Unavailable("gone")

            patched.setattr(Key, "commit", fail)
            outcome(await send(client, "POST", "/Patient", patient(active=True), sent), 503, "transient")
        assert (await send(client, "POST", "/Patient", patient(active=True), sent)).status_code == 201
        assert (await stored(client))["Patient"] == 1


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is kept: the process dies after the commit."""

    async def die(*_: Any) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(Key, "answered", die)


async def again(client: AsyncClient, *request: Any) -> Response:
    """What a request is answered whose lease has run out."""
    for _ in range(1000):
        response = await send(client, *request)
        if response.status_code != 409 or "under way" not in response.text:
            return response
        await asyncio.sleep(0.01)
    raise AssertionError("the request is under way for ever")


@pytest.mark.usefixtures("lost")
async def test_a_write_whose_answer_was_lost_is_answered_and_not_done_again(serve: Serve) -> None:
    async with serve(job_lease=0.01, jobs=0) as client:
        request: Any = ("POST", "/Patient", patient(active=True), key())
        first = await send(client, *request)
        assert same(first, await again(client, *request))
        known = first.json()
        url = f"/Patient/{known['id']}"
        request = ("PUT", url, {**known, "gender": "male"}, key())
        assert same(await send(client, *request), await again(client, *request))
        request = ("DELETE", url, None, key())
        assert (await send(client, *request)).status_code == 200
        told = (await again(client, *request)).json()["issue"][0]
        assert f"it has written Patient/{known['id']}/_history/3" in told["diagnostics"]
        assert told["severity"] == "information"
        assert (await stored(client))["Patient"] == 0


@pytest.mark.usefixtures("lost")
async def test_a_bundle_whose_answer_was_lost_says_what_it_wrote(serve: Serve) -> None:
    async with serve(job_lease=0.01, jobs=0) as client:
        two_of_them = [entry("POST", "Patient", patient(active=True)) for _ in range(2)]
        request: Any = ("POST", "/", bundle("transaction", *two_of_them), key())
        await send(client, *request)
        told = (await again(client, *request)).json()["issue"][0]
        assert told["diagnostics"].count("Patient/") == 2
        request = ("POST", "/", bundle("batch", *two_of_them), key())
        await send(client, *request)
        text = outcome(await again(client, *request), 409, "conflict")["issue"][0]["diagnostics"]
        assert text.startswith("the batch with this Idempotency-Key was interrupted")
        assert (await stored(client))["Patient"] == 4


async def test_a_key_is_known_for_a_time(serve: Serve) -> None:
    async with serve(idempotency_lifetime=0.001, job_poll=0.01) as client:
        sent = key()
        for _ in range(2):
            assert (await send(client, "POST", "/Patient", patient(active=True), sent)).status_code == 201
            await asyncio.sleep(0.01)
        assert (await stored(client))["Patient"] == 2


async def test_keys_are_no_jobs_that_anybody_can_follow(client: AsyncClient) -> None:
    sent = uuid4().hex
    await send(client, "POST", "/Patient", patient(active=True), key(sent))
    id = sha256(f"idempotency|{sent}".encode()).hexdigest()
    for method in ("GET", "DELETE"):
        outcome(await client.request(method, f"/_jobs/{id}"), 404, "not-found")
