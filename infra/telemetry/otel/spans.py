"""Spans that are made when they end, and only in traces that are sampled.

The SDK decides what is sampled, and batches and exports. Its own spans take a lock and check the type of each attribute
one by one, which costs more than everything else here together.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Attributes = dict[str, str | int | float | bool]

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACE_HEADERS = frozenset({b"traceparent", b"tracestate"})
_SAMPLED, _NOT_SAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)

_CURRENT: ContextVar[SpanContext | None] = ContextVar("span", default=None)
"""Of the call that the present task serves."""


class OpenSpan:
    """A span that has not ended.

    Args:
        spans: take it when it ends.
        name: of the span.
        kind: server or client.
        context: its ids, and whether it is recorded.
        parent: ids of the span that it belongs to.
        attributes: what is known of it, in types that OpenTelemetry allows; more are set until it ends.
    """

    __slots__ = ("_kind", "_name", "_parent", "_spans", "_started", "attributes", "context", "failed", "recorded")

    def __init__(
        self,
        spans: Spans,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: Attributes,
    ) -> None:
        self._spans = spans
        self._name = name
        self._kind = kind
        self._parent = parent
        self._started = time.time_ns()
        self.context = context
        self.attributes = attributes
        self.failed = False
        self.recorded = context.trace_flags is _SAMPLED

    def headers(self) -> dict[str, str]:
        """Return the headers that continue the trace at whoever is called."""
        context = self.context
        found = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}
        if context.trace_state:
            found["tracestate"] = context.trace_state.to_header()
        return found

    def end(self) -> None:
        """Export the span if it is recorded. Called once."""
        if not self.recorded:
            return
        spans = self._spans
        span = ReadableSpan(
            self._name,
            self.context,
            self._parent,
            spans.resource,
            self.attributes,
            kind=self._kind,
            status=_ERROR if self.failed else _UNSET,
            start_time=self._started,
            end_time=time.time_ns(),
            instrumentation_scope=spans.scope,
        )
        for processor in spans.processors:
            processor.on_end(span)


class Spans:
    """Starts spans.

    Args:
        provider: knows the sampler and the resource, as the standard variables set them.
        processors: take the spans that are sampled.
        scope: what makes the spans.
    """

    def __init__(
        self, provider: TracerProvider, processors: Sequence[SpanProcessor], scope: InstrumentationScope
    ) -> None:
        self.resource = provider.resource
        self.processors = processors
        self.scope = scope
        self._sampler = provider.sampler
        self._ids = provider.id_generator

    def server(self, name: str, headers: Iterable[tuple[bytes, bytes]], attributes: Attributes) -> OpenSpan:
        """Start the span of a call, in the caller's trace if the headers name one, and make it the current one."""
        carrier = {each.decode(): value.decode("latin-1") for each, value in headers if each in _TRACE_HEADERS}
        span = self._root(name, SpanKind.SERVER, _PROPAGATOR.extract(carrier) if carrier else None, attributes)
        _CURRENT.set(span.context)
        return span

    def client(self, name: str, attributes: Attributes) -> OpenSpan:
        """Start the span of a request to an upstream, within the call of the present task if there is one."""
        parent = _CURRENT.get()
        if parent is None:
            return self._root(name, SpanKind.CLIENT, None, attributes)
        if parent.trace_flags is not _SAMPLED:
            return OpenSpan(self, name, SpanKind.CLIENT, parent, None, attributes)
        context = SpanContext(
            parent.trace_id,
            self._ids.generate_span_id(),
            is_remote=False,
            trace_flags=_SAMPLED,
            trace_state=parent.trace_state,
        )
        return OpenSpan(self, name, SpanKind.CLIENT, context, parent, attributes)

    def _root(self, name: str, kind: SpanKind, within: Context | None, attributes: Attributes) -> OpenSpan:
        parent: SpanContext | None = None
        if within is not None:
            named = trace.get_current_span(within).get_span_context()
            parent = named if named.is_valid else None
        trace_id = self._ids.generate_trace_id() if parent is None else parent.trace_id
        sampled = self._sampler.should_sample(within, trace_id, name, kind, attributes)
        context = SpanContext(
            trace_id,
            self._ids.generate_span_id(),
            is_remote=False,
            trace_flags=_SAMPLED if sampled.decision is Decision.RECORD_AND_SAMPLE else _NOT_SAMPLED,
            trace_state=sampled.trace_state,
        )
        return OpenSpan(self, name, kind, context, parent, attributes)
