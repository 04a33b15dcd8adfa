"""The usual band of a value that is measured again and again: an immutable state, and its transitions.

The band follows the values slowly, so that a new level becomes usual after a while, and a single peak does not.
"""

from __future__ import annotations

from dataclasses import dataclass

_WEIGHT = 0.1
"""Weight of the latest value in the averages."""
_LEARNED_AFTER = 12
"""Values after which a band is known."""
_TIMES = 3.0
"""A value below so many times the usual one is never outside."""
_DEVIATIONS = 4.0
"""Nor is one within so many times the usual deviation."""


@dataclass(frozen=True, slots=True)
class UsualBand:
    """The level and the spread of the values so far.

    Args:
        mean: their exponentially weighted average.
        deviation: the average of their distances from it.
        count: number of values.
        outside: whether the latest one was above the band.
    """

    mean: float = 0.0
    deviation: float = 0.0
    count: int = 0
    outside: bool = False

    @property
    def edge(self) -> float:
        """The largest value that is usual; infinite while too little is known."""
        if self.count < _LEARNED_AFTER:
            return float("inf")
        return max(_TIMES * self.mean, self.mean + _DEVIATIONS * self.deviation)

    def after(self, value: float, least: float) -> UsualBand:
        """Return the band after one more value.

        An unusual value counts only as far as the edge: a peak must not make the next one usual.

        Args:
            value: not negative.
            least: smaller values are never outside, however unusual.
        """
        outside = value > max(self.edge, least)
        counted = max(self.edge, least) if outside else value
        if self.count == 0:
            return UsualBand(counted, 0.0, 1)
        weight = max(_WEIGHT, 1 / (self.count + 1))
        deviation = self.deviation + weight * (abs(counted - self.mean) - self.deviation)
        return UsualBand(self.mean + weight * (counted - self.mean), deviation, self.count + 1, outside)
