"""Rows of the metrics of calls: name, meaning, labels, and where the value comes from. A new metric is a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.telemetry.call_metrics import CallKey, CallSeries, Histogram

MILLISECONDS = 1000.0


def _provider(key: CallKey) -> str:
    return key.provider


def _model(key: CallKey) -> str:
    return key.model


def _operation(key: CallKey) -> str:
    return key.operation


def _status(key: CallKey) -> str:
    return str(key.status)


@dataclass(frozen=True, slots=True)
class CallCounter:
    """A counter of calls.

    Args:
        name: without the suffix ``_total``.
        text: what it counts.
        labels: names, and where their values come from.
        value: what a series adds to it.
    """

    name: str
    text: str
    labels: Mapping[str, Callable[[CallKey], str]]
    value: Callable[[CallSeries], int]


@dataclass(frozen=True, slots=True)
class CallHistogram:
    """A histogram of calls.

    Args:
        name: of the metric.
        text: what it measures.
        labels: names, and where their values come from.
        value: the histogram of a series.
        scale: what a recorded value is divided by.
    """

    name: str
    text: str
    labels: Mapping[str, Callable[[CallKey], str]]
    value: Callable[[CallSeries], Histogram]
    scale: float = MILLISECONDS


def _tokens(series: CallSeries) -> int:
    return series.quantities["input_tokens"] + series.quantities["output_tokens"]


_BY_ENDPOINT = {"provider": _provider, "endpoint": _operation}
_BY_MODEL = {"provider": _provider, "model": _model}

COUNTERS = (
    CallCounter(
        "llm_proxy_requests",
        "Model calls that reached for a deployment, by operation and ledger status.",
        {**_BY_ENDPOINT, "status": _status},
        lambda series: series.calls,
    ),
    CallCounter(
        "llm_proxy_tokens",
        "Input and output tokens, by operation.",
        {"provider": _provider, "operation": _operation},
        _tokens,
    ),
    CallCounter(
        "llm_requests",
        "Model calls that reached for a deployment, by model.",
        {**_BY_MODEL, "status": _status},
        lambda series: series.calls,
    ),
    CallCounter("llm_tokens", "Input and output tokens, by model.", _BY_MODEL, _tokens),
    CallCounter("llm_proxy_attempts", "Times that a deployment was called.", _BY_MODEL, lambda series: series.attempts),
    CallCounter(
        "llm_proxy_failovers",
        "Calls for which more than one deployment was called.",
        _BY_MODEL,
        lambda series: series.failovers,
    ),
    *(
        CallCounter(
            f"llm_proxy_{name}",
            f"{name.replace('_', ' ').capitalize()} of calls, by model.",
            _BY_MODEL,
            lambda series, name=name: series.quantities[name],  # type: ignore[misc]
        )
        for name in CallSeries().quantities
    ),
)

HISTOGRAMS = (
    CallHistogram(
        "llm_proxy_request_duration_seconds",
        "From the arrival of a call to the end of its answer.",
        _BY_ENDPOINT,
        lambda series: series.duration,
    ),
    CallHistogram(
        "llm_proxy_response_time_seconds",
        "From the arrival of a call to the end of its answer, by provider.",
        {"provider": _provider},
        lambda series: series.duration,
    ),
    CallHistogram(
        "llm_proxy_time_to_first_byte_seconds",
        "From the arrival of a call to the first byte of its answer.",
        _BY_MODEL,
        lambda series: series.first_byte,
    ),
    CallHistogram(
        "llm_proxy_output_tokens_per_second",
        "Output tokens a second of streamed answers, after their first byte.",
        _BY_MODEL,
        lambda series: series.tokens_per_second,
        1.0,
    ),
)
