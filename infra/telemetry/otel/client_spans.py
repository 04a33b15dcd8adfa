"""A span for each request to an upstream, around the providers. Nothing of the content is in it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace

from application.ports.providers import Answer, Provider, StoredCall, Stream
from domain.attempt import Attempt
from domain.call import Call
from domain.errors import DeploymentUnusableError, GatewayError
from domain.model import ModelDocument
from domain.usage import Usage
from infra.telemetry.otel.conventions import ERROR_TYPE, OPERATIONS, PROVIDERS, usage_attributes
from infra.telemetry.otel.instruments import Instruments, labels_of
from infra.telemetry.otel.measurements import Labels
from infra.telemetry.otel.spans import OpenSpan, Spans
from infra.telemetry.otel.stored_spans import StoredRequest

_CANCELLED = "cancelled"


class TracedProvider:
    """A provider that records each request to an upstream; implements the port ``Provider``.

    Args:
        provider: makes the requests.
        spans: start spans.
        instruments: record metrics.
    """

    def __init__(self, provider: Provider, spans: Spans, instruments: Instruments) -> None:
        self._provider = provider
        self._spans = spans
        self._instruments = instruments
        self.check, self.unusable_because = provider.check, provider.unusable_because
        self.upstream_model = provider.upstream_model

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:
        """See the port."""
        request = self._request(call, document, attempt)
        try:
            answer = await self._provider.answer(request.traced(call), document, attempt)
        except BaseException as error:
            request.end(error=error)
            raise
        request.end(answer.usage)
        return answer

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Stream:
        """See the port."""
        request = self._request(call, document, attempt)
        try:
            return _TracedStream(await self._provider.stream(request.traced(call), document, attempt), request)
        except BaseException as error:
            request.end(error=error)
            raise

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """See the port."""
        request = StoredRequest(self._spans, call, document, self.upstream_model(document))
        try:
            answer = await self._provider.stored(request.call, document)
        except BaseException as error:
            request.end(error=error)
            raise
        request.end()
        return answer

    async def resume(self, call: StoredCall, document: ModelDocument) -> Stream:
        """See the port."""
        request = StoredRequest(self._spans, call, document, self.upstream_model(document))
        try:
            return _TracedStream(await self._provider.resume(request.call, document), request)
        except BaseException as error:
            request.end(error=error)
            raise

    def _request(self, call: Call, document: ModelDocument, attempt: Attempt | None) -> _Request:
        operation, model = OPERATIONS[call.endpoint], self._provider.upstream_model(document)
        labels = labels_of(operation, PROVIDERS[document.model_type], model)
        span = self._spans.client(f"{operation} {model}", {**dict(labels), "llmproxy.deployment": document.id})
        if call.stream:
            span.attributes["gen_ai.request.stream"] = True
        return _Request(span, labels, attempt, self._instruments)


class _Request:
    """A request that is under way.

    Args:
        span: of the request.
        labels: of its metrics.
        attempt: knows the status of the response.
        instruments: record metrics.
    """

    def __init__(self, span: OpenSpan, labels: Labels, attempt: Attempt | None, instruments: Instruments) -> None:
        self._span = span
        self._labels = labels
        self._attempt = attempt
        self._instruments = instruments
        self._started = self._latest = time.monotonic()
        self._first = True
        self._ended = False

    def traced(self, call: Call) -> Call:
        """Return the call with the headers that continue the trace at the upstream."""
        return replace(call, trace=self._span.headers())

    def chunk(self) -> None:
        """Note a chunk of a stream."""
        now = time.monotonic()
        elapsed, self._latest = now - self._latest, now
        if self._first:
            self._span.attributes["gen_ai.response.time_to_first_chunk"] = elapsed
        self._instruments.chunk(self._labels, elapsed, first=self._first)
        self._first = False

    def end(self, usage: Usage | None = None, error: BaseException | None = None) -> None:
        """Note that the request is over. Later calls have no effect."""
        if self._ended:
            return
        self._ended = True
        code = None if error is None else error.label if isinstance(error, GatewayError) else _unexpected(error)
        span = self._span
        if span.recorded:
            if usage is not None:
                span.attributes |= usage_attributes(usage)
            if self._attempt is not None and self._attempt.status is not None:
                span.attributes["http.response.status_code"] = self._attempt.status
            if code is not None:
                span.attributes[ERROR_TYPE] = code
                span.failed = True
        span.end()
        if not isinstance(error, DeploymentUnusableError):  # nothing was sent
            self._instruments.attempt(self._labels, time.monotonic() - self._started, usage, code)


class _TracedStream:
    """A stream that notes its chunks and its end; implements ``Stream``.

    Args:
        stream: of the upstream.
        request: that it answers.
    """

    def __init__(self, stream: Stream, request: _Request | StoredRequest) -> None:
        self._stream = stream
        self._request = request
        self._blocks: AsyncIterator[bytes] | None = None
        self._error: BaseException | None = None
        self.content_type = stream.content_type
        self.output_so_far = stream.output_so_far

    @property
    def ended(self) -> bool:
        return self._stream.ended

    @property
    def usage(self) -> Usage | None:
        return self._stream.usage

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._blocks = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        if self._blocks is None:
            self._blocks = aiter(self._stream)
        try:
            block = await anext(self._blocks)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self._error = error
            raise
        self._request.chunk()
        return block

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._request.end(self._stream.usage, self._error)


def _unexpected(error: BaseException) -> str:
    return type(error).__qualname__ if isinstance(error, Exception) else _CANCELLED
