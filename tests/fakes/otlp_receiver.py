"""A collector of OpenTelemetry over HTTP, and the ingestion endpoint of Application Insights."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

KINDS = {2: "server", 3: "client"}


@dataclass(frozen=True)
class ReceivedSpan:
    """A span: ids in hexadecimal digits, attributes as plain values."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool
    seconds: float
    attributes: dict[str, Any]


@dataclass(frozen=True)
class ReceivedPoint:
    """A point of a metric, of the last export that had it."""

    unit: str
    attributes: dict[str, Any]
    value: float
    count: int
    bounds: tuple[float, ...]


@dataclass
class OtlpReceiver:
    """The running receiver, and everything that it received."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)
    points: dict[str, list[ReceivedPoint]] = field(default_factory=dict)
    tracked: list[dict[str, Any]] = field(default_factory=list)
    """Envelopes of Application Insights."""

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                answer = receiver.receive(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def receive(self, path: str, body: bytes) -> bytes:
        """Read a request and return the response's body."""
        self.bodies.append(body)
        if path == "/v1/traces":
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            self.points |= dict(_points(ExportMetricsServiceRequest.FromString(body)))
        elif path.startswith(("/v2.1/track", "/v2/track")):
            envelopes = json.loads(body)
            self.tracked += envelopes
            count = len(envelopes)
            return json.dumps({"itemsReceived": count, "itemsAccepted": count, "errors": []}).encode()
        return b""

    def named(self, name: str, kind: str) -> list[ReceivedSpan]:
        """Return the spans of this name and kind."""
        return [span for span in self.spans if (span.name, span.kind) == (name, kind)]


def _plain(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}


def _spans(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for resource in request.resource_spans:
        shared = _plain(resource.resource.attributes)
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield ReceivedSpan(
                span.name,
                KINDS.get(span.kind, str(span.kind)),
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                span.status.code == 2,
                (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                {"service.name": shared["service.name"]} | _plain(span.attributes),
            )


def _points(request: ExportMetricsServiceRequest) -> Iterator[tuple[str, list[ReceivedPoint]]]:
    for metric in (
        metric for resource in request.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
    ):
        if metric.HasField("histogram"):
            yield (
                metric.name,
                [
                    ReceivedPoint(
                        metric.unit, _plain(each.attributes), each.sum, each.count, tuple(each.explicit_bounds)
                    )
                    for each in metric.histogram.data_points
                ],
            )
        else:
            yield (
                metric.name,
                [
                    ReceivedPoint(metric.unit, _plain(each.attributes), each.as_int or each.as_double, 0, ())
                    for each in metric.sum.data_points
                ],
            )
