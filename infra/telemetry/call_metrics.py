"""Counters of calls and requests. To count a call costs one look-up and some additions; the rest waits for a scrape."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from operator import add, attrgetter
from typing import Any, NamedTuple

from domain.ledger import LedgerLine
from domain.usage import QUANTITIES

BUCKETS_MS = tuple(10 * 2**n for n in range(14))
"""Upper bounds of durations: 10 ms, doubling to 81.92 s, as OpenTelemetry's conventions for generative AI have them."""
RATE_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
"""Upper bounds of output tokens a second."""

OTHER = "other"
"""Label of what is beyond the limit on series, or not one of ours."""

_quantities_of = attrgetter(*QUANTITIES)
_SERVER_ERROR = 500
_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


class CallKey(NamedTuple):
    """Labels by which calls are counted: all of them from the catalogue."""

    provider: str
    model: str
    operation: str
    status: int


class RequestKey(NamedTuple):
    """Labels by which HTTP requests are counted."""

    method: str
    endpoint: str
    status_code: int


class CostKey(NamedTuple):
    """Labels by which costs are summed."""

    currency: str
    project: str
    model: str


class ErrorKey(NamedTuple):
    """Labels by which failed calls are counted."""

    provider: str
    error_type: str


class Histogram:
    """Counts by bucket, and the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, other: Histogram) -> None:
        """Add another histogram with the same bounds."""
        self.counts = [one + two for one, two in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class CallSeries:
    """Counts of the calls with equal labels."""

    __slots__ = ("attempts", "calls", "duration", "failovers", "first_byte", "sums", "tokens_per_second")

    def __init__(self) -> None:
        self.calls = 0
        self.attempts = 0
        self.failovers = 0
        self.sums = [0] * len(QUANTITIES)
        self.duration = Histogram(BUCKETS_MS)
        self.first_byte = Histogram(BUCKETS_MS)
        self.tokens_per_second = Histogram(RATE_BUCKETS)

    def count(self, line: LedgerLine) -> None:
        """Count one call."""
        self.calls += 1
        self.attempts += line.attempts
        if line.attempts > 1:
            self.failovers += 1
        usage = line.usage
        output = usage.output_tokens
        self.sums = list(map(add, self.sums, _quantities_of(usage)))
        latency = line.latency_ms
        self.duration.observe(latency)
        first = line.first_byte_ms
        if first is not None:
            self.first_byte.observe(first)
            if line.streamed and output and latency > first:
                self.tokens_per_second.observe(output * 1000 / (latency - first))

    @property
    def quantities(self) -> dict[str, int]:
        """Everything that these calls used, by name."""
        return dict(zip(QUANTITIES, self.sums, strict=True))

    def add(self, other: CallSeries) -> None:
        """Add what was counted under other labels."""
        self.calls += other.calls
        self.attempts += other.attempts
        self.failovers += other.failovers
        self.sums = list(map(add, self.sums, other.sums))
        for name in ("duration", "first_byte", "tokens_per_second"):
            getattr(self, name).add(getattr(other, name))


@dataclass(slots=True)
class Counts:
    """Everything counted, by labels. Values of one process; those of several are added with :meth:`add`.

    Args:
        calls: by labels of calls.
        requests: durations of HTTP requests in milliseconds, by labels of requests.
        costs: 10^-12 of a currency unit, by labels of costs.
        errors: failed calls, by labels of errors.
    """

    calls: dict[CallKey, CallSeries]
    requests: dict[RequestKey, Histogram]
    costs: dict[CostKey, int]
    errors: dict[ErrorKey, int]

    @classmethod
    def empty(cls) -> Counts:
        """Return counts of nothing."""
        return cls({}, {}, {}, {})

    def add(self, other: Counts) -> None:
        """Add the counts of another process, or of this one while calls go on."""
        for call, series in list(other.calls.items()):
            self.calls.setdefault(call, CallSeries()).add(series)
        for request, durations in list(other.requests.items()):
            self.requests.setdefault(request, Histogram(BUCKETS_MS)).add(durations)
        for cost, units in list(other.costs.items()):
            self.costs[cost] = self.costs.get(cost, 0) + units
        for error, count in list(other.errors.items()):
            self.errors[error] = self.errors.get(error, 0) + count

    def dump(self) -> dict[str, Any]:
        """Return the counts as JSON data."""
        return {
            "calls": [
                [*key, series.calls, series.attempts, series.failovers, series.quantities]
                + [[each.counts, each.total] for each in (series.duration, series.first_byte, series.tokens_per_second)]
                for key, series in self.calls.items()
            ],
            "requests": [[*key, durations.counts, durations.total] for key, durations in self.requests.items()],
            "costs": [[*key, str(units)] for key, units in self.costs.items()],
            "errors": [[*key, count] for key, count in self.errors.items()],
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Counts:
        """Return the counts that :meth:`dump` returned.

        Raises:
            ValueError, KeyError, TypeError: the data is something else.
        """
        counts = cls.empty()
        for provider, model, operation, status, *values in data["calls"]:
            series = counts.calls[CallKey(provider, model, operation, status)] = CallSeries()
            series.calls, series.attempts, series.failovers, quantities = values[:4]
            series.sums = [quantities.get(name, 0) for name in QUANTITIES]
            for histogram, (bucket_counts, total) in zip(
                (series.duration, series.first_byte, series.tokens_per_second), values[4:], strict=True
            ):
                histogram.counts, histogram.total = bucket_counts, total
        for method, endpoint, status, bucket_counts, total in data["requests"]:
            durations = counts.requests[RequestKey(method, endpoint, status)] = Histogram(BUCKETS_MS)
            durations.counts, durations.total = bucket_counts, total
        counts.costs |= {CostKey(*key): int(units) for *key, units in data["costs"]}
        counts.errors |= {ErrorKey(*key): count for *key, count in data["errors"]}
        return counts


class CallMetrics:
    """Counts calls and requests of this process. Everything happens on the event loop's thread.

    Args:
        most_series: label combinations of calls, and of costs, after which new ones are counted as ``other``.
    """

    def __init__(self, most_series: int) -> None:
        self.counts = Counts.empty()
        self.by_project: dict[str, list[int]] = {}
        """Calls of this process, and how many of them ended with a 5xx status, by project."""
        self._most_series = most_series

    def call(self, line: LedgerLine) -> None:
        """Count a settled call by its ledger line."""
        counts = self.counts
        # Plain tuples are equal to named ones, and cheaper: names are given to new keys alone.
        series = counts.calls.get((line.provider, line.code, line.operation, line.status))  # type: ignore[call-overload]
        if series is None:
            key = CallKey(line.provider, line.code, line.operation, line.status)
            if len(counts.calls) >= self._most_series:
                key = CallKey(OTHER, OTHER, line.operation, line.status)
            series = counts.calls.setdefault(key, CallSeries())
        series.count(line)
        project = self.by_project.setdefault(line.project, [0, 0])
        project[0] += 1
        project[1] += line.status >= _SERVER_ERROR
        if line.cost_units:
            cost: tuple[str, str, str] = (line.currency, line.project, line.code)
            if cost not in counts.costs:
                full = len(counts.costs) >= self._most_series
                cost = CostKey(line.currency, OTHER, OTHER) if full else CostKey(*cost)
            counts.costs[cost] = counts.costs.get(cost, 0) + line.cost_units
        if line.error is not None:
            error = ErrorKey(line.provider, line.error)
            if error not in counts.errors and len(counts.errors) >= self._most_series:
                error = ErrorKey(OTHER, OTHER)
            counts.errors[error] = counts.errors.get(error, 0) + 1

    def request(self, method: str, endpoint: str, status: int, milliseconds: float) -> None:
        """Count an HTTP request.

        Args:
            method: as received.
            endpoint: the path with its parameters by name; ``other`` for unknown paths.
            status: of the response; 0 if none was sent.
            milliseconds: from the request's head to the end of the response.
        """
        method = method if method in _METHODS else OTHER
        durations = self.counts.requests.get((method, endpoint, status))  # type: ignore[call-overload]
        if durations is None:
            durations = self.counts.requests[RequestKey(method, endpoint, status)] = Histogram(BUCKETS_MS)
        durations.observe(milliseconds)
