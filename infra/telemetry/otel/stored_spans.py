"""A span for each request to an upstream about a response that it keeps. The conventions have no metrics for these."""

from __future__ import annotations

from dataclasses import replace

from application.ports.providers import StoredCall
from domain.errors import GatewayError, UpstreamRefusedError
from domain.model import ModelDocument
from domain.usage import Usage
from infra.telemetry.otel.conventions import ERROR_TYPE, PROVIDER, PROVIDERS, REQUEST_MODEL
from infra.telemetry.otel.spans import Spans


class StoredRequest:
    """A request about a stored response that is under way.

    Args:
        spans: start the span.
        call: the request.
        document: the deployment that keeps the response.
        model: the upstream's name of its model.
    """

    def __init__(self, spans: Spans, call: StoredCall, document: ModelDocument, model: str) -> None:
        self._ended = False
        self._span = spans.client(
            f"{call.action.value}_response {model}",
            {
                PROVIDER: PROVIDERS[document.model_type],
                REQUEST_MODEL: model,
                "llmproxy.deployment": document.id,
            },
        )
        self.call = replace(call, trace=self._span.headers())
        """The request with the headers that continue the trace at the upstream."""

    def chunk(self) -> None:
        """Note a chunk of a stream, of which nothing is recorded."""

    def end(self, usage: Usage | None = None, error: BaseException | None = None) -> None:  # noqa: ARG002 - the usage is that of the call which made the response
        """Note that the request is over. Later calls have no effect."""
        if self._ended:
            return
        self._ended = True
        span = self._span
        if error is None:
            span.attributes["http.response.status_code"] = 200
        else:
            if isinstance(error, UpstreamRefusedError):
                span.attributes["http.response.status_code"] = error.status
            span.attributes[ERROR_TYPE] = error.label if isinstance(error, GatewayError) else type(error).__qualname__
            span.failed = True
        span.end()
