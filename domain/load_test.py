"""Load tests: the plan of one, and what is remembered of its calls. Time comes in as an argument."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MOST_RPS, MOST_MINUTES = 1_000.0, 240.0


class Tier(StrEnum):
    """A size of test, for whoever names neither rate nor duration."""

    SMOKE = "smoke"
    LIGHT = "light"
    MEDIUM = "medium"
    HEAVY = "heavy"
    STRESS = "stress"


TIERS: Mapping[Tier, tuple[float, float]] = {
    Tier.SMOKE: (1, 1),
    Tier.LIGHT: (5, 5),
    Tier.MEDIUM: (20, 10),
    Tier.HEAVY: (100, 10),
    Tier.STRESS: (300, 5),
}
"""Calls per second, and minutes."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """The request for a load test.

    Args:
        tier: size, of which the next two are the defaults.
        target_rps: calls per second that are begun.
        minutes: for so long.
        models: codes or ids of documents, called in turn.
        providers: whose documents are called, too.
        max_cost_units: ceiling of the cost, in 10^-12 of a currency unit; None for no ceiling.
        stream: whether answers are streamed.
        max_tokens: of an answer.
        project: pays for the calls; None for a project of its own, ``load-test``.
    """

    tier: Tier
    target_rps: float
    minutes: float
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    max_cost_units: int | None = None
    stream: bool = True
    max_tokens: int = 64
    project: str | None = None

    def begun_by(self, seconds: float) -> int:
        """Return how many calls are to have begun after so many seconds."""
        return math.floor(min(seconds, self.minutes * 60) * self.target_rps + 1e-9)


class Durations:
    """A histogram of durations whose percentiles are at most one percent off, in a bounded space."""

    _RATIO = math.log(1.01)

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self._buckets[math.ceil(math.log(max(seconds, 1e-6)) / self._RATIO)] += 1
        self.count += 1
        self.longest = max(self.longest, seconds)

    def percentile(self, share: float) -> float | None:
        """Return the seconds that this share of the durations does not exceed; None if there are none."""
        left = math.ceil(self.count * share)
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return min(math.exp(bucket * self._RATIO), self.longest)
        return None

    def milliseconds(self) -> dict[str, float | None]:
        """Return the percentiles that reports show, in milliseconds."""
        found = {name: self.percentile(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
        found["max"] = self.longest if self.count else None
        return {name: None if value is None else round(value * 1000, 1) for name, value in found.items()}


class Spending:
    """A ceiling of cost that is never passed: the most that a call can cost is reserved before it begins.

    Args:
        ceiling: in 10^-12 of a currency unit; None for none.
    """

    def __init__(self, ceiling: int | None) -> None:
        self.ceiling = ceiling
        self.spent = 0
        self._reserved = 0

    def reserve(self, most: int) -> bool:
        """Reserve the most that a call can cost; returns whether it fits below the ceiling."""
        if self.ceiling is not None and self.spent + self._reserved + most > self.ceiling:
            return False
        self._reserved += most
        return True

    def settle(self, most: int, cost: int) -> None:
        """Replace a reservation by what the call cost."""
        self._reserved -= most
        self.spent += cost
