"""Values added up by metric and labels on the path of a call, and read by an exporter from time to time.

The SDK's instruments hash the attributes and draw exemplars for each value, at ten times the cost.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from dataclasses import dataclass

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class MetricRow:
    """A metric.

    Args:
        name: as conventions have it.
        unit: in UCUM's notation.
        text: its description.
        bounds: upper bounds of the buckets of a histogram; empty for a counter.
    """

    name: str
    unit: str
    text: str
    bounds: tuple[float, ...] = ()


class _Point:
    """The values with equal labels."""

    __slots__ = ("counts", "highest", "lowest", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total: float = 0
        self.lowest, self.highest = float("inf"), float("-inf")


class Measurements:
    """The values that one exporter is to get. Values are added on the event loop's thread and read on the exporter's.

    Args:
        temporality: whether an export has everything since the start, or since the export before.
        resource: this process.
        scope: what measures.
    """

    def __init__(self, temporality: AggregationTemporality, resource: Resource, scope: InstrumentationScope) -> None:
        self._temporality = temporality
        self._resource = resource
        self._scope = scope
        self._points: dict[tuple[MetricRow, Labels], _Point] = {}
        self._since = time.time_ns()
        self._lock = threading.Lock()  # held for as long as adding takes, or copying once an export

    def add(self, values: list[tuple[MetricRow, Labels, float]]) -> None:
        """Add values, each to the metric and labels that it belongs to."""
        with self._lock:
            points = self._points
            for row, labels, value in values:
                point = points.get((row, labels))
                if point is None:
                    point = points[row, labels] = _Point(len(row.bounds) + 1)
                point.counts[bisect_left(row.bounds, value)] += 1
                point.total += value
                point.lowest = min(point.lowest, value)
                point.highest = max(point.highest, value)

    def collect(self) -> MetricsData:
        """Return what is to be exported now."""
        now = time.time_ns()
        sums: dict[MetricRow, list[NumberDataPoint]] = {}
        histograms: dict[MetricRow, list[HistogramDataPoint]] = {}
        with self._lock:
            since = self._since
            for (row, labels), point in self._points.items():
                if row.bounds:
                    histograms.setdefault(row, []).append(_histogram(row, labels, point, since, now))
                else:
                    sums.setdefault(row, []).append(NumberDataPoint(dict(labels), since, now, point.total))
            if self._temporality is AggregationTemporality.DELTA:
                self._points, self._since = {}, now
        metrics = [
            Metric(row.name, row.text, row.unit, Sum(points, self._temporality, is_monotonic=True))
            for row, points in sums.items()
        ] + [
            Metric(row.name, row.text, row.unit, Histogram(points, self._temporality))
            for row, points in histograms.items()
        ]
        return MetricsData([ResourceMetrics(self._resource, [ScopeMetrics(self._scope, metrics, "")], "")])


def _histogram(row: MetricRow, labels: Labels, point: _Point, since: int, now: int) -> HistogramDataPoint:
    counts = tuple(point.counts)
    return HistogramDataPoint(
        dict(labels), since, now, sum(counts), point.total, counts, row.bounds, point.lowest, point.highest
    )
