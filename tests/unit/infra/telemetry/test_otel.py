"""Spans and measurements as exporters get them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import AggregationTemporality, Histogram, MetricsData, Sum
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, Sampler, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from infra.telemetry.otel.measurements import Labels, Measurements, MetricRow
from infra.telemetry.otel.spans import Spans

SCOPE = InstrumentationScope("tests")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECONDS = MetricRow("seconds", "s", "Seconds.", (1.0, 10.0))
TOKENS = MetricRow("tokens", "{token}", "Tokens.")
LABELS: Labels = (("model", "m"),)


class Kept(SpanProcessor):
    """A processor that keeps spans."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def spans(sampler: Sampler, kept: Kept) -> Spans:
    return Spans(TracerProvider(sampler, shutdown_on_exit=False), [kept], SCOPE)


def of_call(sampler: Sampler, traceparent: str | None) -> tuple[Kept, dict[str, str]]:
    """Return the spans of a call and of its request to an upstream, and the headers of that request."""
    kept = Kept()
    made = spans(sampler, kept)
    server = made.server("POST /v1/x", [] if traceparent is None else [(b"traceparent", traceparent.encode())], {})
    client = made.client("chat m", {})
    client.end()
    server.end()
    return kept, client.headers()


@pytest.mark.parametrize(
    ("sampler", "flag", "count"),
    [
        (DEFAULT_ON, "01", 2),
        (DEFAULT_ON, "00", 0),
        (TraceIdRatioBased(1.0), "00", 2),
        (TraceIdRatioBased(0.0), "01", 0),
        (ALWAYS_OFF, "01", 0),
    ],
)
def test_the_sampler_decides_and_the_upstream_is_told(sampler: Sampler, flag: str, count: int) -> None:
    kept, headers = of_call(sampler, f"00-{TRACE}-{PARENT}-{flag}")
    assert len(kept.spans) == count
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "01" if count else "00")
    assert span_id != PARENT
    if count:
        client, server = kept.spans
        assert client.parent is not None
        assert server.parent is not None
        assert client.parent == server.context
        assert f"{server.parent.span_id:016x}" == PARENT


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
def test_without_a_valid_parent_a_trace_begins(traceparent: str | None) -> None:
    kept, headers = of_call(DEFAULT_ON, traceparent)
    client, server = kept.spans
    assert server.parent is None
    assert server.context is not None
    assert client.parent == server.context
    assert headers["traceparent"].split("-")[1] == f"{server.context.trace_id:032x}" != TRACE


def values_of(data: MetricsData) -> dict[str, tuple[int, float]]:
    """Return number and sum of each metric."""
    found = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        if isinstance(metric.data, Histogram):
            (point,) = metric.data.data_points
            assert point.count == sum(point.bucket_counts)
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
            found[metric.name] = (point.count, point.sum)
        else:
            assert isinstance(metric.data, Sum)
            (number,) = metric.data.data_points
            found[metric.name] = (0, number.value)
    return found


@given(st.lists(st.lists(st.integers(0, 100), max_size=5), max_size=5))
def test_exports_since_the_start_and_since_the_export_before_add_up(batches: list[list[int]]) -> None:
    always, since = (
        Measurements(temporality, Resource({}), SCOPE)
        for temporality in (AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA)
    )
    counts, sums, tokens = 0, 0.0, 0.0
    for batch in batches:
        values = [(row, LABELS, float(value)) for value in batch for row in (SECONDS, TOKENS)]
        always.add(values)
        since.add(values)
        found = values_of(since.collect())
        counts += found.get("seconds", (0, 0.0))[0]
        sums += found.get("seconds", (0, 0.0))[1]
        tokens += found.get("tokens", (0, 0.0))[1]
    everything = [value for batch in batches for value in batch]
    assert (counts, sums, tokens) == (len(everything), sum(everything), sum(everything))
    if everything:
        assert values_of(always.collect()) == {"seconds": (counts, sums), "tokens": (0, tokens)}


def test_a_value_at_a_bound_is_below_it() -> None:
    made = Measurements(AggregationTemporality.CUMULATIVE, Resource({}), SCOPE)
    made.add([(SECONDS, LABELS, value) for value in (0.5, 1.0, 1.5, 10.0, 11.0)])
    data = made.collect().resource_metrics[0].scope_metrics[0].metrics[0].data
    assert isinstance(data, Histogram)
    (point,) = data.data_points
    assert (tuple(point.bucket_counts), point.min, point.max) == ((2, 2, 1), 0.5, 11.0)
