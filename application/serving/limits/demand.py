"""Measures of what a process uses of limits and budgets, to hold enough of them for its next calls."""

from __future__ import annotations

_SHORTEST_S = 0.05
_RISES_S = 0.3
_PEAK_S = 10.0
"""Seconds in which a peak of calls is expected to come again."""
_LEAST_SPARE = 2


class Demand:
    """Units that this process uses a second, measured from turn to turn. It rises at once and fades slowly.

    Args:
        now: seconds on the monotonic clock.
        fades_s: seconds after which use that has ended no longer counts.
    """

    __slots__ = ("_fades_s", "_last", "_since", "asked", "per_second")

    def __init__(self, now: float, *, fades_s: float) -> None:
        self.asked = 0
        """Units asked for since the last turn."""
        self.per_second = 0.0
        self._fades_s = fades_s
        self._since = self._last = now

    def turn(self, now: float) -> float:
        """Return units a second, of late."""
        seconds = now - self._since
        if seconds > _SHORTEST_S:
            if self.asked:
                self._last = now
            latest = self.asked / seconds
            share = max(seconds, _RISES_S) if latest > self.per_second else seconds / self._fades_s
            share = min(1.0, share)
            self.per_second = self.per_second * (1 - share) + latest * share
            if now - self._last > self._fades_s:
                self.per_second = 0.0  # it would take minutes to fade: money is counted in 10^-12
            self.asked, self._since = 0, now
        return self.per_second


class Peak:
    """The most calls under way at once, of late."""

    __slots__ = ("_before", "_since", "highest")

    def __init__(self) -> None:
        self.highest = 0
        """Of the present seconds; raised by whoever begins a call."""
        self._before = 0
        self._since = 0.0

    def spare(self, in_use: int, now: float) -> int:
        """Return how many slots to hold beside those in use."""
        if now - self._since >= _PEAK_S:
            self._before, self.highest, self._since = self.highest, in_use, now
        return max(_LEAST_SPARE, self.of_late)

    @property
    def of_late(self) -> int:
        """The highest of the present seconds and of those before them."""
        return max(self._before, self.highest)
