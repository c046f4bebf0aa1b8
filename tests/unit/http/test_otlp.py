"""The SDK: what it is told to send is sent when it ends."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace

from fhir_mpi.http import otlp


@pytest.fixture
def collector() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The URL of an OTLP endpoint on loopback, and what each of its paths received."""
    received: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received[self.path] = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("name", "sent"), [(None, b"fhir_mpi"), ("mpi-berlin", b"mpi-berlin")])
def test_what_is_queued_is_sent_at_the_end_under_the_services_name(
    collector: tuple[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch, name: str | None, sent: bytes
) -> None:
    url, received = collector
    installed: dict[str, Any] = {}
    monkeypatch.setattr(trace, "set_tracer_provider", lambda found: installed.update(tracers=found))
    monkeypatch.setattr(metrics, "set_meter_provider", lambda found: installed.update(meters=found))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    monkeypatch.setenv("OTEL_SERVICE_NAME", name or "")
    if name is None:
        monkeypatch.delenv("OTEL_SERVICE_NAME")
    shutdown = otlp.start()
    installed["tracers"].get_tracer("test").start_span("GET /fhir/metadata").end()
    installed["meters"].get_meter("test").create_counter("requests").add(1)
    shutdown()
    assert b"GET /fhir/metadata" in received["/v1/traces"]
    assert b"requests" in received["/v1/metrics"]
    assert all(sent in body for body in received.values())
