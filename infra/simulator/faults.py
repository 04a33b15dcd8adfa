"""Faults and pace of answers: options of the server, overridden by the ``simulator`` member of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from infra.simulator.checks import expect, wrong
from infra.simulator.errors import SimulatedError, simulated_failure

MOST_TOKENS = 1_000_000
_LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults and pace of one call. The defaults answer at once and without faults.

    Args:
        ttft: seconds until the first byte.
        tps: tokens per second after it; None means as fast as possible.
        tokens: exact length of generated text; None means 20 to 60, by the prompt.
        status: error status, 400 to 599.
        code: error code, instead of the usual one of the status.
        retry_after: seconds for ``Retry-After``, with ``status``.
        cut_after: close the connection after so many chunks or events; a complete answer is cut in half.
        stall_after: send nothing more after so many chunks; a complete answer never arrives.
        error_in_stream: send an error event after so many chunks and end; audio is cut.
        malformed: send invalid JSON; audio is cut after its first chunk.
        html: answer with an HTML page, status 502 unless ``status`` is given.
        empty: answer 200 with an empty body.
        no_usage: omit the usage.
        gzip: compress the answer regardless of ``Accept-Encoding`` (HTTP only).
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
        """Return the time after the request, in seconds, at which so many tokens are sent."""
        return self.ttft + (tokens / self.tps if self.tps else 0.0)

    def failure(self) -> SimulatedError | None:
        """Return the error to answer with, if any."""
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


def read_faults(given: object, defaults: Faults) -> Faults:
    """Read the ``simulator`` member of a request.

    Args:
        given: the member; None if absent.
        defaults: for what it does not set.

    Raises:
        SimulatedError: 400 with ``param`` such as ``simulator.ttft``: unknown or invalid.
    """
    if given is None:
        return defaults
    expect(given, dict, "simulator", "an object")
    changes: dict[str, Any] = given if isinstance(given, dict) else {}
    for name, value in changes.items():
        _check(name, value)
    return replace(defaults, **changes)


def _check(name: str, value: object) -> None:
    param = f"simulator.{name}"
    if name not in _KNOWN:
        raise wrong(f"Unknown parameter: '{param}'. Expected one of: {', '.join(_KNOWN)}.", param, "unknown_parameter")
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


_FAILS_WITH = 500


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """Options of the server. See :class:`Faults` for those that it shares with the ``simulator`` member of a request.

    Args:
        ttft: seconds until the first byte.
        tps: tokens per second after it.
        error_rate: share of the calls, 0 to 1, that fail with ``status`` (default 500), spread evenly and not at
            random; None means all of them if ``status`` is given, else none.
        status: error status, 400 to 599.
        retry_after: seconds for ``Retry-After`` of failing calls.
        cut_after: close each connection after so many chunks.
        stall_after: send nothing more after so many chunks.
        malformed: answer with invalid JSON.
        html: answer with an HTML error page.
        no_usage: omit the usage.
        gzip: compress answers regardless of ``Accept-Encoding``.
        api_key: the only accepted key; None accepts any request.
    """

    ttft: float = 0.0
    tps: float | None = None
    error_rate: float | None = None
    status: int | None = None
    retry_after: float | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    malformed: bool = False
    html: bool = False
    no_usage: bool = False
    gzip: bool = False
    api_key: str | None = field(default=None, repr=False)

    def faults(self, number: int) -> Faults:
        """Return the faults of a call without a ``simulator`` member.

        Args:
            number: of the call, from 1.
        """
        rate = (1.0 if self.status else 0.0) if self.error_rate is None else self.error_rate
        # The small addend keeps 3 * (1/3) from ending up below 1.
        fails = int(number * rate + 1e-9) > int((number - 1) * rate + 1e-9)
        shared = {each.name: getattr(self, each.name) for each in fields(self) if each.name in _KNOWN}
        return Faults(**{**shared, "status": (self.status or _FAILS_WITH) if fails else None})
