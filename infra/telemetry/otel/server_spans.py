"""A span for each call of a caller, within the trace that the caller names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opentelemetry import trace

from domain.ledger import LedgerLine
from domain.operation import Endpoint
from domain.vendors import ModelType
from infra.telemetry.otel.conventions import ERROR_TYPE, OPERATIONS, PROVIDERS, REQUEST_MODEL, usage_attributes
from infra.telemetry.otel.instruments import Instruments, labels_of
from infra.telemetry.otel.spans import Attributes, OpenSpan, Spans

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
        spans: start them.
        instruments: record metrics.
    """

    def __init__(self, spans: Spans, instruments: Instruments) -> None:
        self._spans = spans
        self._instruments = instruments

    def start(self, headers: Iterable[tuple[bytes, bytes]], method: str, route: str, path: str) -> OpenSpan:
        """Start a span in the caller's trace, if it names one, and make it the current one.

        Args:
            headers: of the request.
            method: HTTP method.
            route: the path with its parameters by name.
            path: without the query.
        """
        attributes: Attributes = {
            "http.request.method": method,
            "http.route": route,
            "url.path": path,
            "url.scheme": "http",
        }
        return self._spans.server(f"{method} {route}", headers, attributes)

    def end(self, span: OpenSpan, endpoint: Endpoint | None, outcome: CallOutcome) -> None:
        """End the span of a call with what is known of it, and record its metrics.

        Args:
            span: of the call.
            endpoint: that was called; None if it is not a model call.
            outcome: of the call.
        """
        line, model_type = outcome.line, outcome.model_type
        if span.recorded:
            attributes = span.attributes
            attributes["http.response.status_code"] = outcome.status
            attributes["llmproxy.request_id"] = outcome.request_id
            if outcome.project is not None:
                attributes["llmproxy.project"] = outcome.project
            if outcome.error is not None:
                attributes[ERROR_TYPE] = outcome.error
            span.failed = outcome.status >= _SERVER_ERROR or outcome.status == 0
            if line is not None:
                attributes |= usage_attributes(line.usage)
                attributes[REQUEST_MODEL] = line.code
                attributes["llmproxy.deployment"] = line.document_id
                attributes["llmproxy.attempts"] = line.attempts
                attributes["llmproxy.cost"] = line.cost_units / 10**12
                attributes["llmproxy.currency"] = line.currency
        span.end()
        if line is not None and endpoint is not None and model_type is not None:
            labels = labels_of(OPERATIONS[endpoint], PROVIDERS[model_type], line.code)
            first = None if line.first_byte_ms is None else line.first_byte_ms / 1000
            self._instruments.call(labels, outcome.seconds, first, line.usage.output_tokens, line.error)


def ids_of(span: OpenSpan) -> Mapping[str, str]:
    """Return the ids that connect log lines with a span."""
    context = span.context
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
