"""The edge around an application that does what a test wants."""

import io
import json
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeAlias

import pytest
import structlog
from starlette.requests import ClientDisconnect

from fhir_mpi.http.middleware import Edge
from fhir_mpi.http.telemetry import telemetry
from fhir_mpi.logging import configure_logging

App: TypeAlias = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
START = {"type": "http.response.start", "status": 200, "headers": []}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    configure_logging("debug")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def sent_by(app: App, **scope: Any) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    http = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    await Edge(app, telemetry())({**http, **scope}, receive, send)
    return sent


async def test_a_failure_before_the_first_byte_is_a_500_with_the_request_id(logged: io.StringIO) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("Zzyzxcanary")

    start, body = await sent_by(app, headers=[(b"x-request-id", b"r-1")])
    assert start["status"] == 500
    assert (b"x-request-id", b"r-1") in start["headers"]
    assert b"r-1" in body["body"]
    assert "Zzyzxcanary" not in logged.getvalue()


async def test_a_failure_after_the_first_byte_does_not_begin_another_answer(logged: io.StringIO) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(dict(START))
        raise OSError("the wire is cut")

    assert [message["type"] for message in await sent_by(app)] == ["http.response.start"]
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(line["event"], line.get("status")) for line in lines] == [("failed", None), ("request", 200)]
    assert "wire" not in logged.getvalue()


async def test_a_client_that_left_is_no_failure(logged: io.StringIO) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ClientDisconnect

    assert await sent_by(app) == []
    (line,) = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert (line["event"], line["status"], line["route"]) == ("request", 499, "unknown")


async def test_what_is_no_request_passes_through() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    assert await sent_by(app, type="lifespan") == []
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/fhir/Patient/a.b-c", b"x=%C3%A4", 200),
        ("/fhir/Patient/...", b"", 200),
        ("/" + "x" * 8191, b"", 200),
        ("/" + "x" * 8192, b"", 414),
        ("/", b"x" * 8192, 414),
        ("/fhir/../livez", b"", 400),
        ("/fhir/.", b"", 400),
        ("/a\x00b", b"", 400),
        ("/a\nb", b"", 400),
        ("/a\ufffd", b"", 400),
        ("/a;b", b"", 400),
        ("/a", b"\xff", 400),
    ],
)
async def test_a_url_that_no_client_of_ours_makes_is_refused(path: str, query: bytes, status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(dict(START))

    start, *_ = await sent_by(app, path=path, query_string=query)
    assert start["status"] == status
