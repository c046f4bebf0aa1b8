"""Spans and metrics, and that the SDK is there only where it is asked for."""

import sys
from contextlib import ExitStack
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from fhir_mpi.http import telemetry as module
from fhir_mpi.http.telemetry import SWITCHES, Telemetry, exporting


@pytest.mark.parametrize(
    ("status", "code"), [(200, StatusCode.UNSET), (404, StatusCode.UNSET), (503, StatusCode.ERROR)]
)
def test_a_request_is_one_server_span_and_one_measurement(status: int, code: StatusCode) -> None:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    duration = meters.get_meter("test").create_histogram("http.server.request.duration")
    telemetry = Telemetry(tracers.get_tracer("test"), duration)
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    scope = {"type": "http", "method": "GET", "path": "/secret", "headers": [(b"traceparent", parent)]}
    with telemetry.request(scope) as end:
        end("/fhir/{type}", status, 0.25)
    (span,) = spans.get_finished_spans()
    attributes = {
        "http.request.method": "GET",
        "http.route": "/fhir/{type}",
        "http.response.status_code": status,
    }
    assert (span.name, span.kind, span.status.status_code) == ("GET /fhir/{type}", SpanKind.SERVER, code)
    assert span.attributes == attributes
    assert span.parent is not None
    assert span.parent.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    found: Any = reader.get_metrics_data()
    (point,) = found.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert (point.sum, dict(point.attributes)) == (0.25, attributes)
    meters.shutdown()


@pytest.mark.parametrize("switch", SWITCHES)
def test_an_endpoint_switches_the_export_on_and_its_end_flushes(
    monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    told: list[str] = []

    class Sdk:
        @staticmethod
        def start() -> Any:
            told.append("start")
            return lambda: told.append("shutdown")

    monkeypatch.setitem(sys.modules, "fhir_mpi.http.otlp", Sdk)
    with exporting({switch: "http://127.0.0.1:4318"}) as does:
        assert (does, told) == (True, ["start"])
    assert told == ["start", "shutdown"]
    server = ExitStack()
    server.enter_context(exporting({switch: "http://127.0.0.1:4318"}))
    server.__exit__(KeyError, KeyError("x"), None)
    assert told == ["start", "shutdown"] * 2


def test_without_an_sdk_everything_is_measured_into_the_void() -> None:
    with module.telemetry().request({"type": "http", "method": "GET", "headers": []}) as end:
        end("/livez", 200, 0.1)
