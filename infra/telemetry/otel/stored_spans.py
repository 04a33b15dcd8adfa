"""A span for each request to an upstream about a response that it keeps. The conventions have no metrics for these."""

from __future__ import annotations

from dataclasses import replace

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from application.ports.providers import StoredCall
from domain.errors import GatewayError, UpstreamRefusedError
from domain.model import ModelDocument
from domain.usage import Usage
from infra.telemetry.otel.conventions import ERROR_TYPE, PROVIDER, PROVIDERS, REQUEST_MODEL

_PROPAGATOR = TraceContextTextMapPropagator()


class StoredRequest:
    """A request about a stored response that is under way.

    Args:
        tracer: makes the span.
        call: the request.
        document: the deployment that keeps the response.
        model: the upstream's name of its model.
    """

    def __init__(self, tracer: Tracer, call: StoredCall, document: ModelDocument, model: str) -> None:
        self._span = tracer.start_span(
            f"{call.action.value}_response {model}",
            kind=SpanKind.CLIENT,
            attributes={
                PROVIDER: PROVIDERS[document.model_type],
                REQUEST_MODEL: model,
                "llmproxy.deployment": document.id,
            },
        )
        headers: dict[str, str] = {}
        _PROPAGATOR.inject(headers, trace.set_span_in_context(self._span))
        self.call = replace(call, trace=headers)
        """The request with the headers that continue the trace at the upstream."""

    def chunk(self) -> None:
        """Note a chunk of a stream, of which nothing is recorded."""

    def end(self, usage: Usage | None = None, error: BaseException | None = None) -> None:  # noqa: ARG002 - the usage is that of the call which made the response
        """Note that the request is over. Later calls have no effect."""
        span = self._span
        if error is not None and span.is_recording():
            if isinstance(error, UpstreamRefusedError):
                span.set_attribute("http.response.status_code", error.status)
            span.set_attribute(ERROR_TYPE, error.label if isinstance(error, GatewayError) else type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
        elif span.is_recording():
            span.set_attribute("http.response.status_code", 200)
        span.end()
