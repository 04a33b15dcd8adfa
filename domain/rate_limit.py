"""Limits: requests and tokens per period, and calls at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.fast_dataclass import record

MINUTE = 60


class LimitMode(StrEnum):
    """Treatment of calls above a limit."""

    ENFORCE = "enforce"
    """It is refused."""
    SHADOW = "shadow"
    """It is counted and reported, and nobody is refused."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A ceiling that refills continuously, as a token bucket does.

    Args:
        count: units that refill in one period.
        seconds: length of the period.
        burst: units that fit into the bucket; None for as many as refill in one period.
    """

    count: int
    seconds: int = MINUTE
    burst: int | None = None

    @property
    def capacity(self) -> int:
        """Units that may pass at once when nothing has passed for a while."""
        return self.count if self.burst is None else self.burst

    def __str__(self) -> str:
        """Return ``600 per minute``."""
        units = {1: "second", MINUTE: "minute", 3600: "hour", 86_400: "day"}
        return f"{self.count} per {units.get(self.seconds, f'{self.seconds} seconds')}"


@record
class RateState:
    """The state of a limit at one moment, for the caller.

    Args:
        kind: what it counts: ``requests`` or ``tokens``.
        limit: how many pass in one period.
        remaining: how many may pass at once now.
        full_in: seconds until it has refilled completely.
    """

    kind: str
    limit: int
    remaining: int
    full_in: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a project, a key or a deployment; None if absent.

    Args:
        rpm: requests a minute.
        tpm: tokens a minute.
        concurrency: calls at the same time.
        burst: requests that may pass at once; None for as many as pass in a minute.
        request_window: seconds in which ``rpm`` requests refill, where it is another time than a minute.
        routes: the same for single paths, such as ``/v1/chat/completions``.
        models: the same for single models, by code.
        mode: whether calls above a limit are refused.
    """

    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None
    burst: int | None = None
    request_window: int = MINUTE
    routes: tuple[tuple[str, Limits], ...] = ()
    models: tuple[tuple[str, Limits], ...] = ()
    mode: LimitMode = LimitMode.ENFORCE

    def __bool__(self) -> bool:
        """Return whether anything is limited."""
        own = self.rpm is not None or self.tpm is not None or self.concurrency is not None
        return own or any(within for _, within in (*self.routes, *self.models))

    @property
    def requests(self) -> Rate | None:
        """The limit on requests."""
        return None if self.rpm is None else Rate(self.rpm, self.request_window, self.burst)

    @property
    def tokens(self) -> Rate | None:
        """The limit on tokens."""
        return None if self.tpm is None else Rate(self.tpm)

    def parts(self, route: str, code: str | None) -> Iterator[tuple[str, Limits]]:
        """Return the limits that apply to a call, each with what it is about: empty for all calls, a route or a model.

        Args:
            route: path of the endpoint.
            code: the model's code; None if the call is about no model.
        """
        yield "", replace(self, routes=(), models=())
        yield from ((f"route {path}", within) for path, within in self.routes if path == route)
        yield from ((f"model {name}", within) for name, within in self.models if name == code)


NO_LIMITS = Limits()
"""Limits of a document without any: always this object."""
