"""A span for each call of a caller, within the trace that the caller names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.ledger import LedgerLine
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.telemetry.otel.conventions import (
    ERROR_TYPE,
    OPERATION,
    OPERATIONS,
    PROVIDER,
    PROVIDERS,
    REQUEST_MODEL,
    usage_attributes,
)
from infra.telemetry.otel.instruments import Instruments

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACE_HEADERS = frozenset({b"traceparent", b"tracestate"})
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """Facts about a call that is over.

    Args:
        status: of the response; 0 if none was sent.
        error: our code of what went wrong.
        seconds: its duration.
        request_id: repeated in the response.
        project: of the caller, once authenticated.
        model_type: of the deployment that was called last; None if none was.
        line: its ledger line; None if no deployment was called.
    """

    status: int
    error: str | None
    seconds: float
    request_id: str
    project: str | None
    model_type: ModelType | None
    line: LedgerLine | None


class ServerSpans:
    """Makes spans of calls.

    Args:
        tracer: makes spans.
        instruments: record metrics.
    """

    def __init__(self, tracer: Tracer, instruments: Instruments) -> None:
        self._tracer = tracer
        self._instruments = instruments

    @contextmanager
    def span(self, headers: Iterable[tuple[bytes, bytes]], method: str, route: str, path: str) -> Iterator[Span]:
        """Start a span in the caller's trace, if it names one, and make it the current one.

        Args:
            headers: of the request.
            method: HTTP method.
            route: the path with its parameters by name.
            path: without the query.
        """
        carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in _TRACE_HEADERS}
        parent = _PROPAGATOR.extract(carrier) if carrier else None
        attributes = {"http.request.method": method, "http.route": route, "url.path": path, "url.scheme": "http"}
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            parent,
            SpanKind.SERVER,
            attributes,
            record_exception=False,  # its message may quote the request
            set_status_on_exception=False,
        ) as span:
            yield span

    def describe(self, span: Span, endpoint: Endpoint | None, outcome: CallOutcome) -> None:
        """Set what is known of a call at its end, and record its metrics.

        Args:
            span: of the call.
            endpoint: that was called; None if it is not a model call.
            outcome: of the call.
        """
        if span.is_recording():
            span.set_attribute("http.response.status_code", outcome.status)
            span.set_attribute("llmproxy.request_id", outcome.request_id)
            if outcome.project is not None:
                span.set_attribute("llmproxy.project", outcome.project)
            if outcome.error is not None:
                span.set_attribute(ERROR_TYPE, outcome.error)
            if outcome.status >= _SERVER_ERROR or outcome.status == 0:
                span.set_status(StatusCode.ERROR)
            if outcome.line is not None:
                self._describe_line(span, outcome.line)
        line, model_type = outcome.line, outcome.model_type
        if line is not None and endpoint is not None and model_type is not None:
            attributes = {OPERATION: OPERATIONS[endpoint], PROVIDER: PROVIDERS[model_type], REQUEST_MODEL: line.code}
            first = None if line.first_byte_ms is None else line.first_byte_ms / 1000
            self._instruments.call(attributes, outcome.seconds, first, line.usage.output_tokens, line.error)

    @staticmethod
    def _describe_line(span: Span, line: LedgerLine) -> None:
        span.set_attributes(usage_attributes(line.usage))
        span.set_attributes(
            {
                REQUEST_MODEL: line.code,
                "llmproxy.deployment": line.document_id,
                "llmproxy.attempts": line.attempts,
                "llmproxy.cost": line.cost_units / 10**12,
                "llmproxy.currency": line.currency,
            }
        )


def ids_of(span: Span) -> Mapping[str, str] | None:
    """Return the ids that connect log lines with a span; None if it has none."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
