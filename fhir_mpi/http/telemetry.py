"""OpenTelemetry: traces and metrics over OTLP where its settings are given, nothing otherwise.

Names follow the stable HTTP semantic conventions; no path, query or header value is recorded.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from opentelemetry import metrics, propagate, trace
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from starlette.datastructures import Headers
from starlette.types import Scope

from fhir_mpi import __version__

SWITCHES: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A tracer and the one request metric; both do nothing while no SDK is set up."""

    tracer: Tracer
    duration: Histogram

    @contextmanager
    def request(self, scope: Scope) -> Iterator[Callable[[str, int, float], None]]:
        """A server span around one request; call what it yields with route, status and seconds."""
        parent = propagate.extract(dict(Headers(scope=scope)))
        with self.tracer.start_as_current_span("HTTP", context=parent, kind=SpanKind.SERVER) as span:
            yield lambda route, status, seconds: self._end(span, scope["method"], route, status, seconds)

    def _end(self, span: Span, method: str, route: str, status: int, seconds: float) -> None:
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
        span.update_name(f"{method} {route}")
        span.set_attributes(attributes)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        self.duration.record(seconds, attributes)


def telemetry() -> Telemetry:
    """The tracer and meter of this process, whatever is set up behind them."""
    meter = metrics.get_meter("fhir_mpi", __version__)
    duration = meter.create_histogram(
        "http.server.request.duration", unit="s", description="Duration of HTTP server requests."
    )
    return Telemetry(trace.get_tracer("fhir_mpi", __version__), duration)


@contextmanager
def exporting(environment: Mapping[str, str] = os.environ) -> Iterator[bool]:
    """Exports over OTLP/HTTP while inside, where the standard OTEL_EXPORTER_OTLP_* settings ask for it.

    Yields whether it does. What is still queued is flushed on the way out.
    """
    if not any(environment.get(name) for name in SWITCHES):
        yield False
        return
    # the SDK costs memory that most servers don't need
    from fhir_mpi.http.otlp import start

    shutdown = start()
    try:
        yield True
    finally:
        shutdown()
