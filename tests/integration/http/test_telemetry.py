"""Traces and metrics leave over OTLP where asked for, and hold no path, query or id."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fhir_mpi.definitions import CHECKOUT
from fhir_mpi.http.telemetry import exporting

CANARY: Final = "Zzyzxcanary"
SERVER: Final = """
import asyncio, httpx, os, sys
from asgi_lifespan import LifespanManager
from fhir_mpi.app import app_from_environment

async def main():
    async with LifespanManager(app_from_environment(), startup_timeout=60, shutdown_timeout=60) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mpi.test/fhir") as client:
            parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
            await client.get("/Patient/Zzyzxcanary", headers={**parent, "x-canary": "Zzyzxcanary"})
            await client.get("/Patient?family=Zzyzxcanary")
            sent = {"resourceType": "Patient", "name": [{"family": "Zzyzxcanary"}]}
            await client.post("/Patient", json=sent)
            await client.get("/Zzyzxcanary/Zzyzxcanary/Zzyzxcanary")

asyncio.run(main())
"""


@contextmanager
def collector() -> Iterator[tuple[str, dict[str, bytes]]]:
    """An OTLP endpoint on loopback: its URL, and what each path received."""
    received: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received[self.path] = received.get(self.path, b"") + body
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join()


def test_what_is_exported_names_the_route_and_nobody(store_url: str) -> None:
    with collector() as (url, received):
        environment = {  # nothing of this process leaks in
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "FHIR_MPI_STORE": store_url,
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(CHECKOUT),
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SERVER],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    traces, metrics = received["/v1/traces"], received["/v1/metrics"]
    for name in (b"GET /fhir/{type:fhir_type}/{id:fhir_id}", b"POST /fhir/{type:fhir_type}", b"GET unknown"):
        assert name in traces
    for attribute in (b"http.request.method", b"http.route", b"http.response.status_code"):
        assert attribute in traces
        assert attribute in metrics
    assert b"http.server.request.duration" in metrics
    assert bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in traces
    for sent in (traces, metrics, done.stdout.encode(), done.stderr.encode()):
        assert CANARY.encode() not in sent
    for forbidden in (b"url.path", b"url.query", b"url.full", b"http.target", b"client.address"):
        assert forbidden not in traces + metrics


def test_nothing_is_exported_unless_asked_for() -> None:
    with exporting({}) as does:
        assert does is False
    with exporting({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) as does:
        assert does is False
