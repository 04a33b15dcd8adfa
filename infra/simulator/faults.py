"""What is to go wrong, and how slowly: read from the request's ``simulator`` member on top of the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from infra.simulator.checks import expect, wrong
from infra.simulator.refusal import SimulatedError, simulated_failure

MOST_TOKENS = 1_000_000
_LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Faults:
    """Orders of one call. The defaults mean: answer at once and well.

    Args:
        ttft: seconds until the first byte.
        tps: tokens per second after it; ``None`` = as fast as possible.
        tokens: exact length of the text, where text is written; ``None`` = 20 to 60, by the prompt.
        status: answer with this error status, 400 to 599.
        code: error code in place of the status's usual one.
        retry_after: seconds for ``Retry-After``, with ``status``.
        cut_after: close the connection after so many chunks or events; a whole answer is cut in its middle.
        stall_after: fall silent after so many chunks; a whole answer never comes.
        error_in_stream: send an error after so many chunks, and end; audio, which cannot say anything, is cut.
        malformed: send broken JSON; audio is cut after its first chunk.
        html: answer with an HTML page, status 502 unless ``status`` says otherwise.
        empty: answer 200 with an empty body.
        no_usage: leave the usage out.
        gzip: compress the answer although nobody asked (HTTP only).
    """

    ttft: float = 0.0
    tps: float | None = None
    tokens: int | None = None
    status: int | None = None
    code: str | None = None
    retry_after: float | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    error_in_stream: int | None = None
    malformed: bool = False
    html: bool = False
    empty: bool = False
    no_usage: bool = False
    gzip: bool = False

    def due(self, tokens: int) -> float:
        """Seconds after the request at which so many tokens are written."""
        return self.ttft + (tokens / self.tps if self.tps else 0.0)

    def failure(self) -> SimulatedError | None:
        """The error to answer with, if one is ordered."""
        if self.status is None or self.html:
            return None
        return simulated_failure(self.status, code=self.code, retry_after=self.retry_after)


_RANGES: Mapping[str, tuple[type, float, float]] = {
    "ttft": (float, 0, _LONGEST),
    "tps": (float, 0.001, 1e9),
    "tokens": (int, 0, MOST_TOKENS),
    "status": (int, 400, 599),
    "retry_after": (float, 0, _LONGEST),
    "cut_after": (int, 0, MOST_TOKENS),
    "stall_after": (int, 0, MOST_TOKENS),
    "error_in_stream": (int, 0, MOST_TOKENS),
}
_KNOWN = tuple(each.name for each in fields(Faults))


def read_faults(orders: object, defaults: Faults) -> Faults:
    """The faults that a request orders.

    Args:
        orders: the request's ``simulator`` member; ``None`` = it has none.
        defaults: what holds where the request says nothing.

    Raises:
        SimulatedError: 400 with ``param`` such as ``simulator.ttft``; also for an order nobody knows.
    """
    if orders is None:
        return defaults
    expect(orders, dict, "simulator", "an object")
    changes: dict[str, Any] = {}
    if isinstance(orders, dict):
        for name, value in orders.items():
            _check(name, value)
            changes[name] = value
    return replace(defaults, **changes)


def _check(name: str, value: object) -> None:
    param = f"simulator.{name}"
    if name not in _KNOWN:
        raise wrong(f"Unknown order: '{param}'. Known are: {', '.join(_KNOWN)}.", param, "unknown_parameter")
    if value is None and name in _RANGES and name != "ttft":
        return
    if name not in _RANGES:
        expect(value, str if name == "code" else bool, param, "a string" if name == "code" else "a boolean")
        return
    kind, low, high = _RANGES[name]
    if kind is int or not isinstance(value, int) or isinstance(value, bool):
        expect(value, kind, param, "an integer" if kind is int else "a decimal")
    if isinstance(value, (int, float)) and not low <= value <= high:
        raise wrong(f"Invalid '{param}': expected a value from {low:g} to {high:g}.", param, "invalid_value")
