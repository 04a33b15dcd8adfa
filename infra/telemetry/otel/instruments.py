"""Metrics of calls under the names of OpenTelemetry's conventions."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.metrics import Histogram, Meter

from domain.usage import Usage
from infra.telemetry.otel.conventions import (
    DURATIONS,
    ERROR_TYPE,
    FIRST_TOKEN,
    INFERENCE,
    OPERATION,
    PER_TOKEN,
    TOKEN_TYPE,
    TOKENS,
    USAGE,
)

Attributes = Mapping[str, str]


class Instruments:
    """Metrics of calls to upstreams (client) and of calls of our callers (server).

    Args:
        meter: makes the instruments.
        older_names: record the names of earlier conventions as well, which many back ends still expect.
    """

    def __init__(self, meter: Meter, *, older_names: bool) -> None:
        def histogram(name: str, unit: str, text: str, bounds: tuple[float, ...]) -> Histogram:
            return meter.create_histogram(name, unit, text, explicit_bucket_boundaries_advisory=bounds)

        def seconds(name: str, text: str, bounds: tuple[float, ...] = DURATIONS) -> Histogram:
            return histogram(name, "s", text, bounds)

        inference = "gen_ai.client.inference"
        self._older = older_names
        self._inference = seconds(f"{inference}.duration", "Duration of a request to an upstream.")
        self._operation = seconds("gen_ai.client.operation.duration", "Duration of an operation at an upstream.")
        self._first_chunk = seconds(f"{inference}.time_to_first_chunk", "Time to the first chunk of a stream.")
        self._per_chunk = seconds(f"{inference}.time_per_output_chunk", "Time between two chunks of a stream.")
        self._used = [
            (quantity, meter.create_counter(f"{inference}.usage.{name}", "{token}", f"Tokens used: {name}."))
            for quantity, name in USAGE
        ]
        self._per_call = [
            (quantity, histogram(f"{inference}.operation.{quantity}", "{token}", "Tokens of a request.", TOKENS))
            for quantity in ("input_tokens", "output_tokens")
        ]
        self._tokens = histogram("gen_ai.client.token.usage", "{token}", "Tokens of a request, by type.", TOKENS)
        self._request = seconds("gen_ai.server.request.duration", "Duration of a call of a caller.")
        first, per = "Time to the first byte of the answer to a caller.", "Time per output token after the first."
        self._first_token = seconds("gen_ai.server.time_to_first_token", first, FIRST_TOKEN)
        self._per_token = seconds("gen_ai.server.time_per_output_token", per, PER_TOKEN)

    def chunk(self, attributes: Attributes, elapsed: float, *, first: bool) -> None:
        """Record a chunk of a stream.

        Args:
            attributes: operation, provider and model.
            elapsed: seconds since the request was sent, or since the chunk before.
            first: whether it is the first one.
        """
        (self._first_chunk if first else self._per_chunk).record(elapsed, attributes)

    def attempt(self, attributes: Attributes, elapsed: float, usage: Usage | None, error: str | None) -> None:
        """Record a request to an upstream that is over.

        Args:
            attributes: operation, provider and model.
            elapsed: seconds.
            usage: what the upstream reported, if anything.
            error: our code of what went wrong.
        """
        is_inference = attributes[OPERATION] in INFERENCE
        outcome = attributes if error is None else {**attributes, ERROR_TYPE: error}
        if is_inference:
            self._inference.record(elapsed, outcome)
        if self._older or not is_inference:
            self._operation.record(elapsed, outcome)
        if usage is None:
            return
        if is_inference:
            for quantity, counter in self._used:
                used = getattr(usage, quantity)
                if used:
                    counter.add(used, attributes)
            for quantity, per_call in self._per_call:
                per_call.record(getattr(usage, quantity), attributes)
        if self._older:
            for kind in ("input", "output"):
                self._tokens.record(getattr(usage, f"{kind}_tokens"), {**attributes, TOKEN_TYPE: kind})

    def call(self, attributes: Attributes, elapsed: float, first: float | None, tokens: int, error: str | None) -> None:
        """Record a call of a caller that is over.

        Args:
            attributes: operation, provider and model.
            elapsed: seconds.
            first: seconds to the first byte of the answer; None if there was none.
            tokens: output tokens.
            error: our code of what went wrong.
        """
        self._request.record(elapsed, attributes if error is None else {**attributes, ERROR_TYPE: error})
        if first is not None and error is None:
            self._first_token.record(first, attributes)
            if tokens > 1 and elapsed > first:
                self._per_token.record((elapsed - first) / (tokens - 1), attributes)
