"""The edge: request ids, headers, log lines, the last resort, and what never reaches an endpoint."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgi_lifespan import LifespanManager
from httpx import AsyncClient

from fhir_mpi.app import app_from_environment
from fhir_mpi.plugins import hookimpl
from tests.integration.http.exchanges import (
    REQUEST_ID,
    alive,
    create,
    match,
    outcome,
    patient,
    person,
    send,
    surname,
)
from tests.integration.http.serving import PATIENCE, ROOT, Serve, talking

CANARY = "Zzyzxcanary"


class Exploding:
    """A scoring engine that fails with a name in its message."""

    name = "exploding"

    def score(self, record: Any, candidates: Any, /, *, population: int) -> Any:
        raise RuntimeError(f"could not score {CANARY}")


class ExplodingPlugin:
    @hookimpl
    def scoring_engines(self) -> dict[str, Any]:
        return {"exploding": lambda model: Exploding()}


def lines(logged: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged.getvalue().splitlines()]


async def test_f23_what_nobody_foresaw_says_nothing_but_the_request_id(
    serve: Serve, logged: io.StringIO
) -> None:
    async with serve(ExplodingPlugin(), engine="exploding") as client:
        family = surname()
        await create(client, person(family))
        response = await match(client, person(family))
        assert await alive(client)
    refused = outcome(response, 500, "exception")
    request_id = response.headers["x-request-id"]
    assert request_id in refused["issue"][0]["diagnostics"]
    assert CANARY not in response.text + logged.getvalue()
    assert "score" not in refused["issue"][0]["diagnostics"]
    (failed,) = [line for line in lines(logged) if line["event"] == "failed"]
    assert (failed["error"], failed["request_id"]) == ("RuntimeError", request_id)
    assert failed["at"][-1].startswith("test_edge.py:")


@pytest.mark.parametrize("given", ["abc-1", "A.b_c~d", "x" * 64])
async def test_a_plain_request_id_is_kept(client: AsyncClient, given: str) -> None:
    response = await client.get(f"{ROOT}/livez", headers={"x-request-id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "<script>", "a/b", "\u00e9", '{"a":1}'])
async def test_a_hostile_request_id_is_replaced(client: AsyncClient, logged: io.StringIO, given: str) -> None:
    headers = [(b"x-request-id", given.encode())]
    response = await client.get(f"{ROOT}/livez", headers=headers)
    answered = response.headers["x-request-id"]
    assert answered != given
    assert REQUEST_ID.fullmatch(answered)
    assert lines(logged)[-1]["request_id"] == answered


@pytest.mark.parametrize(
    "path", ["/fhir/metadata", "/fhir/Patient?_count=0", "/fhir/nothing", "/livez", "/readyz"]
)
async def test_nothing_may_be_kept_or_guessed_at_by_a_browser(client: AsyncClient, path: str) -> None:
    headers = (await client.get(f"{ROOT}{path}")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


async def test_a_query_beyond_eight_kilobytes_is_refused(client: AsyncClient) -> None:
    outcome(await client.get(f"/Patient?family={'x' * 8200}"), 414, "too-long")
    outcome(await client.get(f"/Patient/{'x' * 9000}"), 414, "too-long")
    assert (await client.get(f"/Patient?family={'x' * 8000}")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/Patient/%00",
        "/Patient/a%00b",
        "/Patient?family=%00",
        "/Patient?fam%00ily=a",
        "/Patient?family=%ff",
        "/Patient?family=%c0%af",
        "/Patient/%c0%af",
        "/Patient/%2e%2e",
        "/Patient/%2e",
        "/Patient/%2e%2e/%2e%2e/livez",
        "/Patient;a=b/1",
        "/Patient/1%0d%0aX-Evil:1",
    ],
)
async def test_s13_characters_that_no_path_and_no_text_has_are_refused(
    client: AsyncClient, path: str
) -> None:
    outcome(await client.get(path), 400, "value")


async def test_n02_a_body_that_does_not_arrive_in_time_is_given_up(serve: Serve) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"resourceType":'
        await asyncio.sleep(60)
        yield b'"Patient"}'

    async with serve(body_timeout=0.05) as client:
        response = await client.post(
            "/Patient", content=endless(), headers={"content-type": "application/json"}
        )
        outcome(response, 408, "timeout")
        assert (await client.get("/Patient?_count=0")).json()["total"] == 0


async def test_a_client_that_leaves_in_the_middle_is_noted_without_an_error(
    shared_app: Any, logged: io.StringIO
) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send_away(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/fhir/Patient",
        "raw_path": b"/fhir/Patient",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"mpi.test"), (b"content-type", b"application/json")],
        "server": ("mpi.test", 80),
        "client": ("127.0.0.1", 1),
    }
    await shared_app(scope, receive, send_away)
    assert sent == []
    assert lines(logged)[-1]["status"] == 499
    assert [line["event"] for line in lines(logged)] == ["request"]


async def test_a_log_line_has_the_route_and_no_path_no_query_and_no_body(
    client: AsyncClient, logged: io.StringIO
) -> None:
    family = f"{CANARY}{surname()}"
    known = await create(client, person(family))
    await client.get(f"/Patient/{known['id']}")
    await client.get(f"/Patient?family={family}")
    await client.get(f"/Patient/{CANARY}")
    await client.get(f"/{CANARY}/{CANARY}/{CANARY}")
    await match(client, person(family))
    await send(client, "POST", "/Patient", patient(nick=CANARY), {"x-canary": CANARY})
    written = logged.getvalue()
    assert CANARY.lower() not in written.lower()
    assert known["id"] not in written
    found = [(line["method"], line["route"], line["status"]) for line in lines(logged) if "route" in line]
    one = "/fhir/{type:fhir_type}/{id:fhir_id}"
    assert found == [
        ("POST", "/fhir/{type:fhir_type}", 201),
        ("GET", one, 200),
        ("GET", "/fhir/{type:fhir_type}", 200),
        ("GET", one, 404),
        ("GET", "unknown", 404),
        ("POST", "/fhir/Patient/$match", 200),
        ("POST", "/fhir/{type:fhir_type}", 400),
    ]
    assert lines(logged)[-1].keys() == {
        "event", "level", "logger", "method", "ms", "request_id", "route", "status", "ts"
    }  # fmt: skip


async def test_an_orchestrator_learns_that_the_server_lives_and_is_ready(client: AsyncClient) -> None:
    assert (await client.get(f"{ROOT}/livez")).json() == {"status": "alive"}
    ready = await client.get(f"{ROOT}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert ready.headers["content-type"] == "application/json"


async def test_a_worker_reads_its_settings_from_the_environment(
    store_url: str, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"STORE": store_url, "BASE_PATH": "/r5", "LOG_LEVEL": "warning"}.items():
        monkeypatch.setenv(f"FHIR_MPI_{name}", text)
    monkeypatch.setattr("sys.stderr", logged)
    app = app_from_environment()
    async with (
        LifespanManager(app, startup_timeout=PATIENCE) as manager,
        talking(manager.app) as client,
    ):
        assert (await client.get(f"{ROOT}/r5/Patient")).json()["total"] == 0
    assert logged.getvalue() == ""


@pytest.mark.parametrize("path", ["/", "/fhir2/Patient", "/metadata", "/favicon.ico"])
async def test_a_path_outside_the_base_is_not_found(client: AsyncClient, path: str) -> None:
    outcome(await client.get(f"{ROOT}{path}"), 404, "not-found")


async def test_the_base_path_and_the_public_address_can_be_set(serve: Serve) -> None:
    async with serve(base_path="", base_url="https://mpi.example/r5/") as client:
        made = await client.post(
            f"{ROOT}/Patient",
            content=b'{"resourceType":"Patient","active":true}',
            headers={"content-type": "application/json"},
        )
        assert made.headers["location"].startswith("https://mpi.example/r5/Patient/")
        found = (await client.get(f"{ROOT}/Patient")).json()
        assert found["link"][0]["url"].startswith("https://mpi.example/r5/Patient")
        assert found["entry"][0]["fullUrl"].startswith("https://mpi.example/r5/Patient/")
        assert (await client.post(f"{ROOT}/", content=b"{}")).status_code == 400
        statement = (await client.get(f"{ROOT}/metadata")).json()
        assert statement["implementation"]["url"] == "https://mpi.example/r5"
