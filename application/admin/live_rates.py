"""Rates of models and projects between two readings of a server's metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]
"""Name, labels and value of one series."""

_HOUR = 3600.0
_FAILED = 500
_FIRST_BYTE = "llm_proxy_time_to_first_byte_seconds_bucket"


@dataclass(frozen=True, slots=True)
class ModelRates:
    """The present rates of a model.

    Args:
        model: its code.
        provider: its provider.
        calls: a second.
        failed: share of calls that ended with a status of 500 and above, or whose caller disconnected; 0 to 1.
        first_byte_p50: seconds to the first byte of the answer, median; None without calls.
        first_byte_p95: the same for 95 % of the calls.
        tokens: input and output tokens a second.
    """

    model: str
    provider: str
    calls: float
    failed: float
    first_byte_p50: float | None
    first_byte_p95: float | None
    tokens: float


@dataclass(frozen=True, slots=True)
class ProjectRates:
    """The present spending of a project.

    Args:
        project: its id.
        currency: ISO 4217 code.
        cost: an hour.
    """

    project: str
    currency: str
    cost: float


class MetricsReading:
    """The series of one moment that are counted here.

    Args:
        samples: of the server's metrics.
        at: when they were read, seconds on a clock that never goes back.
    """

    def __init__(self, samples: Iterable[Sample], at: float) -> None:
        self.at = at
        self._values: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for name, labels, value in samples:
            self._values.setdefault(name, {})[tuple(sorted(labels.items()))] = value

    def grown(self, name: str, before: MetricsReading) -> list[tuple[Labels, float]]:
        """Return by how much each series of a counter has grown; a server that was started anew begins at 0."""
        earlier = before._values.get(name, {})
        found: list[tuple[Labels, float]] = []
        for labels, value in self._values.get(name, {}).items():
            old = earlier.get(labels, 0.0)
            found.append((dict(labels), value - old if value >= old else value))
        return found


def model_rates(before: MetricsReading, after: MetricsReading) -> list[ModelRates]:
    """Return the rates of each model between two readings, the busiest first."""
    seconds = max(after.at - before.at, 1e-3)
    calls: dict[tuple[str, str], float] = {}
    failed: dict[tuple[str, str], float] = {}
    tokens: dict[tuple[str, str], float] = {}
    buckets: dict[tuple[str, str], dict[float, float]] = {}
    for labels, grown in after.grown("llm_requests_total", before):
        key = _model(labels)
        calls[key] = calls.get(key, 0.0) + grown
        if int(labels["status"]) >= _FAILED:
            failed[key] = failed.get(key, 0.0) + grown
    for labels, grown in after.grown("llm_tokens_total", before):
        tokens[_model(labels)] = tokens.get(_model(labels), 0.0) + grown
    for labels, grown in after.grown(_FIRST_BYTE, before):
        buckets.setdefault(_model(labels), {})[float(labels["le"])] = grown
    rates = [
        ModelRates(
            model=model,
            provider=provider,
            calls=count / seconds,
            failed=failed.get((model, provider), 0.0) / count if count else 0.0,
            first_byte_p50=quantile(buckets.get((model, provider), {}), 0.5),
            first_byte_p95=quantile(buckets.get((model, provider), {}), 0.95),
            tokens=tokens.get((model, provider), 0.0) / seconds,
        )
        for (model, provider), count in calls.items()
    ]
    return sorted(rates, key=lambda one: (-one.calls, one.model, one.provider))


def project_rates(before: MetricsReading, after: MetricsReading) -> list[ProjectRates]:
    """Return what each project spends between two readings, the most first."""
    seconds = max(after.at - before.at, 1e-3)
    costs: dict[tuple[str, str], float] = {}
    for labels, grown in after.grown("llm_proxy_cost_total", before):
        key = (labels["project"], labels["currency"])
        costs[key] = costs.get(key, 0.0) + grown
    rates = [ProjectRates(project, currency, cost / seconds * _HOUR) for (project, currency), cost in costs.items()]
    return sorted(rates, key=lambda one: (-one.cost, one.project, one.currency))


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Return a quantile of a histogram, evenly spread within its bucket; None if it is empty.

    Args:
        buckets: number of values up to each bound.
        share: 0 to 1.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if not total:
        return None
    rank, lower, below = share * total, 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if bound == float("inf"):
                return lower
            inside = buckets[bound] - below
            return lower + (bound - lower) * ((rank - below) / inside if inside else 1.0)
        lower, below = bound, buckets[bound]
    return lower


def _model(labels: Labels) -> tuple[str, str]:
    return labels["model"], labels["provider"]
