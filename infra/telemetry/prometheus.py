"""Metrics in Prometheus' formats, and as JSON. Everything here happens when somebody scrapes, never during a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from infra.telemetry.call_metrics import Counts, Histogram
from infra.telemetry.metric_rows import COUNTERS, HISTOGRAMS, MILLISECONDS, CallCounter, CallHistogram

_UNITS = 10**12
_SUCCESS = range(200, 400)

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value of the present moment, read when somebody scrapes.

    Args:
        name: of the metric.
        text: what it shows.
        labels: their names.
        read: returns label values and numbers.
        combine: how the numbers of several processes become one.
    """

    name: str
    text: str
    labels: tuple[str, ...]
    read: Callable[[], Iterable[Sample]]
    combine: Callable[[Iterable[float]], float] = sum


Readings = Mapping[str, Sequence[Sample]]
"""Samples of gauges by their names."""


def read_gauges(gauges: Iterable[Gauge]) -> dict[str, list[Sample]]:
    """Read the gauges of this process."""
    return {gauge.name: list(gauge.read()) for gauge in gauges}


class Exposition:
    """Renders what was counted.

    Args:
        gauges: rows of this process.
        collect: returns the counts and the gauge readings of every process.
    """

    def __init__(self, gauges: Sequence[Gauge], collect: Callable[[], tuple[Counts, Sequence[Readings]]]) -> None:
        self._gauges = gauges
        self._collect = collect

    def text(self, accept: str) -> tuple[bytes, str]:
        """Render for Prometheus.

        Args:
            accept: the ``Accept`` header; Prometheus asks for OpenMetrics with it.

        Returns:
            The body, and its content type.
        """
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(_Families(list(self._families())))
        encoder, content_type = choose_encoder(accept)
        return encoder(registry), content_type

    def json(self) -> dict[str, Any]:
        """Summarise per provider: calls, share of successes, average duration in seconds."""
        counts, _ = self._collect()
        totals: dict[str, list[float]] = {}
        for key, series in counts.calls.items():
            total = totals.setdefault(key.provider, [0, 0, 0.0])
            total[0] += series.calls
            total[1] += series.calls if key.status in _SUCCESS else 0
            total[2] += series.duration.total
        return {
            "providers": {
                provider: {
                    "total_requests": calls,
                    "success_rate": round(succeeded / calls, 6),
                    "avg_response_time": round(milliseconds / calls / MILLISECONDS, 6),
                }
                for provider, (calls, succeeded, milliseconds) in sorted(totals.items())
            }
        }

    def _families(self) -> Iterator[Metric]:
        counts, readings = self._collect()
        for counter in COUNTERS:
            yield _counter(counter.name, counter.text, tuple(counter.labels), _summed(counts, counter))
        for row in HISTOGRAMS:
            yield _histogram(row.name, row.text, tuple(row.labels), _merged(counts, row), row.scale)
        yield _counter(
            "llm_proxy_errors",
            "Model calls that failed, by the code of the error.",
            ("provider", "error_type"),
            ((tuple(key), count) for key, count in counts.errors.items()),
        )
        yield _counter(
            "llm_proxy_cost",
            "Cost as charged, in units of the currency. The ledger is exact; this is a floating-point number.",
            ("currency", "project", "model"),
            ((tuple(key), units / _UNITS) for key, units in counts.costs.items()),
        )
        requests = {(key.method, key.endpoint, str(key.status_code)): each for key, each in counts.requests.items()}
        yield _counter(
            "http_requests",
            "HTTP requests, by path and status; status 0 means that the connection ended before a response.",
            ("method", "endpoint", "status_code"),
            ((labels, sum(each.counts)) for labels, each in requests.items()),
        )
        durations: dict[Labels, Histogram] = {}
        for (method, endpoint, _), each in requests.items():
            durations.setdefault((method, endpoint), Histogram(each.bounds)).add(each)
        yield _histogram(
            "http_request_duration_seconds",
            "From the head of an HTTP request to the end of the response.",
            ("method", "endpoint"),
            durations,
            MILLISECONDS,
        )
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels)
            values: dict[Labels, list[float]] = {}
            for reading in readings:
                for labels, value in reading.get(gauge.name, ()):
                    values.setdefault(tuple(labels), []).append(value)
            for labels, several in sorted(values.items()):
                family.add_metric(labels, gauge.combine(several))
            yield family


class _Families:
    """A collector of families that are complete already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._collected = families

    def collect(self) -> Sequence[Metric]:
        return self._collected


def _summed(counts: Counts, row: CallCounter) -> Iterable[Sample]:
    found: dict[Labels, int] = {}
    for key, series in counts.calls.items():
        value = row.value(series)
        if value:
            labels = tuple(label(key) for label in row.labels.values())
            found[labels] = found.get(labels, 0) + value
    return found.items()


def _merged(counts: Counts, row: CallHistogram) -> Mapping[Labels, Histogram]:
    found: dict[Labels, Histogram] = {}
    for key, series in counts.calls.items():
        each = row.value(series)
        if any(each.counts):
            labels = tuple(label(key) for label in row.labels.values())
            found.setdefault(labels, Histogram(each.bounds)).add(each)
    return found


def _counter(name: str, text: str, labels: Labels, samples: Iterable[Sample]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in sorted(samples):
        family.add_metric(values, number)
    return family


def _histogram(name: str, text: str, labels: Labels, found: Mapping[Labels, Histogram], scale: float) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, histogram in sorted(found.items(), key=lambda item: item[0]):
        bounds = [*(str(bound / scale) for bound in histogram.bounds), "+Inf"]
        running, buckets = 0, []
        for bound, count in zip(bounds, histogram.counts, strict=True):
            running += count
            buckets.append((bound, float(running)))
        family.add_metric(values, buckets=buckets, sum_value=histogram.total / scale)
    return family
