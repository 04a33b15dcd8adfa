"""Repeating a call at the same deployment: how long to wait, and how often. Time and chance come in as arguments."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from domain.errors import UpstreamError, UpstreamProtocolError, UpstreamRefusedError, UpstreamUnreachableError

_WINDOW = 60.0
"""Seconds over which calls and retries are compared."""
_RESOLUTION = 1.0
"""Seconds that are counted together."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits of the retries of one call, and of those of all calls of a deployment.

    Args:
        most: retries of one call.
        base: seconds; the longest wait before the first retry, doubled for each further one.
        longest: seconds; the longest wait. An upstream that asks for a longer one is not asked again: callers can wait
            themselves.
        within: seconds after the arrival of a call in which a retry may begin.
        share: of the calls of the last minute that may be retries.
        least: retries a minute that are allowed however few calls there are.
    """

    most: int = 2
    base: float = 0.5
    longest: float = 2.0
    within: float = 10.0
    share: Fraction = Fraction(1, 5)
    least: int = 10

    def wait(self, error: UpstreamError, retries: int, elapsed: float, chance: float) -> float | None:
        """Return the seconds to wait before a call is repeated; None if it must not be.

        The wait is chosen by chance between zero and a bound that doubles (full jitter), so that calls that failed
        together are not repeated together. It never ends before a ``Retry-After``.

        Args:
            error: that the call failed with.
            retries: of the call so far.
            elapsed: seconds since the call arrived.
            chance: from 0 up to but not including 1.
        """
        if retries >= self.most or not passes_with_time(error):
            return None
        bound = min(self.base * 2**retries, self.longest)
        asked = error.retry_after if isinstance(error, UpstreamRefusedError) else None
        seconds = bound * chance if asked is None else asked + self.base * chance
        if (asked is not None and asked > self.longest) or elapsed + seconds > self.within:
            return None
        return seconds


def passes_with_time(error: UpstreamError) -> bool:
    """Return whether the same deployment may answer the same request a moment later.

    Not where a credential, a quota or a missing operation is the reason, nor after a time-out.
    """
    return error.retryable and isinstance(
        error, UpstreamRefusedError | UpstreamUnreachableError | UpstreamProtocolError
    )


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """The retries of a deployment in the last minute, so that an outage is not multiplied.

    Args:
        seconds: for each second with a retry, or a refused one: when it began, the calls until then, and its retries.
    """

    seconds: tuple[tuple[float, int, int], ...] = ()

    def spend(self, now: float, calls: int, policy: RetryPolicy) -> tuple[RetryBudget, bool]:
        """Return the budget after a request for one retry, and whether it is granted.

        Calls before the first request of a minute are not known and do not count: the share is never exceeded.

        Args:
            now: seconds.
            calls: to the deployment until now, without retries; never fewer than the last time.
            policy: what is allowed.
        """
        kept = tuple(each for each in self.seconds if each[0] > now - _WINDOW - _RESOLUTION)
        since = next((each[1] for each in kept if each[0] > now - _WINDOW), calls)
        retries = sum(each[2] for each in kept)
        granted = retries < policy.least or retries + 1 <= policy.share * (calls - since)
        if kept and now - kept[-1][0] < _RESOLUTION:
            begun, before, count = kept[-1]
            return RetryBudget((*kept[:-1], (begun, before, count + granted))), granted
        return RetryBudget((*kept, (now, calls, int(granted)))), granted
