"""Metrics of calls under the names of OpenTelemetry's conventions."""

from __future__ import annotations

from collections.abc import Sequence

from domain.usage import Usage
from infra.telemetry.otel.conventions import (
    DURATIONS,
    ERROR_TYPE,
    FIRST_TOKEN,
    INFERENCE,
    OPERATION,
    PER_TOKEN,
    PROVIDER,
    REQUEST_MODEL,
    TOKEN_TYPE,
    TOKENS,
    USAGE,
)
from infra.telemetry.otel.measurements import Labels, Measurements, MetricRow

_CLIENT = "gen_ai.client.inference"
_INFERENCE = MetricRow(f"{_CLIENT}.duration", "s", "Duration of a request to an upstream.", DURATIONS)
_OPERATION = MetricRow("gen_ai.client.operation.duration", "s", "Duration of an operation at an upstream.", DURATIONS)
_FIRST_CHUNK = MetricRow(f"{_CLIENT}.time_to_first_chunk", "s", "Time to the first chunk of a stream.", DURATIONS)
_PER_CHUNK = MetricRow(f"{_CLIENT}.time_per_output_chunk", "s", "Time between two chunks of a stream.", DURATIONS)
_USED = [
    (quantity, MetricRow(f"{_CLIENT}.usage.{name}", "{token}", f"Tokens used: {name}.")) for quantity, name in USAGE
]
_PER_CALL = [
    (quantity, MetricRow(f"{_CLIENT}.operation.{quantity}", "{token}", "Tokens of a request.", TOKENS))
    for quantity in ("input_tokens", "output_tokens")
]
_TOKENS = MetricRow("gen_ai.client.token.usage", "{token}", "Tokens of a request, by type.", TOKENS)
_REQUEST = MetricRow("gen_ai.server.request.duration", "s", "Duration of a call of a caller.", DURATIONS)
_FIRST_TOKEN = MetricRow(
    "gen_ai.server.time_to_first_token", "s", "Time to the first byte of the answer to a caller.", FIRST_TOKEN
)
_PER_TOKEN = MetricRow("gen_ai.server.time_per_output_token", "s", "Time per output token after the first.", PER_TOKEN)


def labels_of(operation: str, provider: str, model: str) -> Labels:
    """Return the labels that every metric has."""
    return ((OPERATION, operation), (PROVIDER, provider), (REQUEST_MODEL, model))


class Instruments:
    """Metrics of calls to upstreams (client) and of calls of our callers (server).

    Args:
        measurements: of each exporter.
        older_names: record the names of earlier conventions as well, which many back ends still expect.
    """

    def __init__(self, measurements: Sequence[Measurements], *, older_names: bool) -> None:
        self._measurements = measurements
        self._older = older_names

    def chunk(self, labels: Labels, elapsed: float, *, first: bool) -> None:
        """Record a chunk of a stream.

        Args:
            labels: operation, provider and model.
            elapsed: seconds since the request was sent, or since the chunk before.
            first: whether it is the first one.
        """
        self._add([(_FIRST_CHUNK if first else _PER_CHUNK, labels, elapsed)])

    def attempt(self, labels: Labels, elapsed: float, usage: Usage | None, error: str | None) -> None:
        """Record a request to an upstream that is over.

        Args:
            labels: operation, provider and model.
            elapsed: seconds.
            usage: what the upstream reported, if anything.
            error: our code of what went wrong.
        """
        is_inference = labels[0][1] in INFERENCE
        outcome = labels if error is None else (*labels, (ERROR_TYPE, error))
        values: list[tuple[MetricRow, Labels, float]] = []
        if is_inference:
            values.append((_INFERENCE, outcome, elapsed))
        if self._older or not is_inference:
            values.append((_OPERATION, outcome, elapsed))
        if usage is not None and is_inference:
            values += [(row, labels, used) for quantity, row in _USED if (used := getattr(usage, quantity))]
            values += [(row, labels, getattr(usage, quantity)) for quantity, row in _PER_CALL]
        if usage is not None and self._older:
            values += [
                (_TOKENS, (*labels, (TOKEN_TYPE, kind)), getattr(usage, f"{kind}_tokens"))
                for kind in ("input", "output")
            ]
        self._add(values)

    def call(self, labels: Labels, elapsed: float, first: float | None, tokens: int, error: str | None) -> None:
        """Record a call of a caller that is over.

        Args:
            labels: operation, provider and model.
            elapsed: seconds.
            first: seconds to the first byte of the answer; None if there was none.
            tokens: output tokens.
            error: our code of what went wrong.
        """
        outcome = labels if error is None else (*labels, (ERROR_TYPE, error))
        values: list[tuple[MetricRow, Labels, float]] = [(_REQUEST, outcome, elapsed)]
        if first is not None and error is None:
            values.append((_FIRST_TOKEN, labels, first))
            if tokens > 1 and elapsed > first:
                values.append((_PER_TOKEN, labels, (elapsed - first) / (tokens - 1)))
        self._add(values)

    def _add(self, values: list[tuple[MetricRow, Labels, float]]) -> None:
        for each in self._measurements:
            each.add(values)
