"""The circuit breaker of one deployment: an immutable state and its transitions. Time comes in as an argument.

closed ──(threshold failures in a row, or half of a busy minute's calls)──> open
open ──(timeout has passed)──> half-open: at most ``trial_calls`` calls at a time
half-open ──(a call succeeds)──> closed      half-open ──(a call fails)──> open, for twice as long
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

_WINDOW = 60.0
"""Seconds over which the share of failures is counted."""
_WINDOW_CALLS = 4
"""Times the threshold: with fewer calls within the window a share is not significant."""
_WINDOW_SHARE = 0.5


class BreakerState(StrEnum):
    """States of a circuit breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Conditions under which a breaker opens, and for how long.

    Args:
        threshold: failures in a row that open it.
        timeout: seconds that it stays open; doubled each time a trial call fails.
        longest_timeout: seconds at which doubling stops.
        trial_calls: calls at a time while it is half-open.
    """

    threshold: int = 5
    timeout: float = 60.0
    longest_timeout: float = 600.0
    trial_calls: int = 3


@dataclass(frozen=True, slots=True)
class Breaker:
    """The failures of a deployment that still matter. A new breaker is closed.

    Args:
        failures_in_a_row: since the last success.
        window_start: when the current window began, seconds.
        window_failures: failures in the current window.
        window_calls: finished calls in the current window.
        open_until: when an open breaker becomes half-open, seconds; None while closed.
        openings: times it opened since it was last closed.
        trials: calls under way that were let through while half-open.
        resting_until: when a rate limit that the upstream announced ends, seconds.
        last_failure: when the latest failure was seen, seconds; None before the first.
    """

    failures_in_a_row: int = 0
    window_start: float = 0.0
    window_failures: int = 0
    window_calls: int = 0
    open_until: float | None = None
    openings: int = 0
    trials: int = 0
    resting_until: float = 0.0
    last_failure: float | None = None

    def state(self, now: float) -> BreakerState:
        """Return whether calls pass, all, none, or a few."""
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    def allows(self, now: float, policy: BreakerPolicy) -> bool:
        """Return whether one more call may pass now."""
        if now < self.resting_until:
            return False
        if self.open_until is None:
            return True
        return now >= self.open_until and self.trials < policy.trial_calls

    def started(self, now: float) -> Breaker:
        """Note a call that begins; only trial calls are remembered."""
        return replace(self, trials=self.trials + 1) if self.state(now) is BreakerState.HALF_OPEN else self

    def abandoned(self) -> Breaker:
        """Note a call that ended without saying anything about the deployment, such as a disconnected caller's."""
        return replace(self, trials=max(self.trials - 1, 0)) if self.open_until is not None else self

    def succeeded(self, now: float) -> Breaker:
        """Note a call that the deployment served. While open it changes nothing: the call began before."""
        if self.state(now) is BreakerState.OPEN:
            return self
        if self.open_until is not None:
            return Breaker(resting_until=self.resting_until, last_failure=self.last_failure)
        current = self._in_window(now)
        return replace(current, failures_in_a_row=0, window_calls=current.window_calls + 1)

    def failed(self, now: float, policy: BreakerPolicy) -> Breaker:
        """Note a failure of the deployment's own: not a refused request, and not a caller who disconnected."""
        if self.state(now) is BreakerState.OPEN:
            return replace(self, last_failure=now)
        current = self._in_window(now)
        counted = replace(
            current,
            failures_in_a_row=current.failures_in_a_row + 1,
            window_failures=current.window_failures + 1,
            window_calls=current.window_calls + 1,
            last_failure=now,
        )
        if self.open_until is not None or _tripped(counted, policy):
            return _opened(counted, now, policy)
        return counted

    def rested(self, until: float) -> Breaker:
        """Keep calls away until an upstream's rate limit ends, as its ``Retry-After`` announced. Not a failure."""
        return replace(self.abandoned(), resting_until=max(self.resting_until, until))

    def idle(self, now: float) -> bool:
        """Return whether nothing here differs from a new breaker any more."""
        return self.open_until is None and self.resting_until <= now and now - self.window_start > _WINDOW

    def _in_window(self, now: float) -> Breaker:
        if now - self.window_start <= _WINDOW:
            return self
        return replace(self, window_start=now, window_failures=0, window_calls=0)


def _tripped(breaker: Breaker, policy: BreakerPolicy) -> bool:
    if breaker.failures_in_a_row >= policy.threshold:
        return True
    calls = breaker.window_calls
    return calls >= _WINDOW_CALLS * policy.threshold and breaker.window_failures >= _WINDOW_SHARE * calls


def _opened(breaker: Breaker, now: float, policy: BreakerPolicy) -> Breaker:
    seconds = min(policy.timeout * 2**breaker.openings, max(policy.longest_timeout, policy.timeout))
    return replace(
        breaker,
        open_until=now + seconds,
        openings=min(breaker.openings + 1, 30),
        trials=0,
        window_start=now,
        window_failures=0,
        window_calls=0,
    )
