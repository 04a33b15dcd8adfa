"""This process's parts of shared limits and budgets, spent in memory. No locks: one thread, nothing waits."""

from __future__ import annotations

from decimal import Decimal

from application.serving.limits.demand import Demand, Peak
from domain.budget import Budget
from domain.budget_window import Window
from domain.rate_account import RATE_SLICE_MS, SLOT_MS
from domain.rate_limit import Rate

CALLS_AHEAD = 3
"""Calls like the largest of late that a process holds money for beside, so that rare calls do not wait either."""
MONEY_FADES_S = 10.0
"""Seconds after which a burst of spending no longer counts as demand."""
_SPREAD_S = 20.0
"""Seconds over which callers that were refused are told to come back."""
_SHORTEST_S = 0.05
_LONGEST_S = 2.0
_KNOWN_S = 60.0
"""Seconds for which the level of a bucket that this process has seen counts as known."""


class BudgetHold:
    """The slice of a budget that this process has. Amounts are cumulative, in 10^-12 currency units.

    Args:
        owner: whose budget, for messages: ``project billing``.
        budget: the budget.
        window: the period.
        account: its name at the store.
        row: its row in the record of this process.
        now: seconds on the monotonic clock.
    """

    def __init__(self, owner: str, budget: Budget, window: Window, account: str, row: int, now: float) -> None:
        self.owner = owner
        self.budget = budget
        self.window = window
        self.account = account
        self.row = row
        self.key_id = ""
        """The key whose budget it is; empty if it is the project's."""
        self.currency = budget.ceiling.currency
        self.hard = budget.hard
        self.amount = budget.units
        self.granted = self.spent = self.known = self.reserved = 0
        self.settled = self.free = 0
        """Of all processes, as of the last turn."""
        self.live = 1
        self.opened = False
        """True once the store is known to have the account."""
        self.base: int | None = None
        """The ledger's sum of lines that nobody reported, as read for the next turn."""
        self.base_at_ms = self.opened_ms = 0
        self.scarce = False
        self.alerting: set[Decimal] = set()
        """Shares whose alert this process is delivering."""
        self.alerted: set[Decimal] = set()
        """Shares whose alert it has delivered."""
        self.waiting: list[int] = []
        """The need of each call that waits."""
        self.demand = Demand(now, fades_s=MONEY_FADES_S)
        self.largest = 0
        """Of late: it fades from turn to turn."""
        self.renew_below = 0
        """The amount left below which there is another turn at once."""

    @property
    def low(self) -> bool:
        """True if the slice runs out sooner than was expected at the last turn."""
        return self.left < self.renew_below

    @property
    def left(self) -> int:
        """The amount that may be reserved without asking."""
        return self.granted - self.spent - self.reserved

    @property
    def spent_by_all(self) -> int:
        """All that is known to be spent, this process's latest calls included."""
        return self.settled + self.spent - self.known

    def exhausted(self, _need: int) -> bool:
        """Return false: what others hold may come back, so that a call waits for a while."""
        return False

    def reserve(self, cost: int) -> None:
        """Set aside what a call may cost."""
        self.reserved += cost
        self.demand.asked += cost
        self.largest = max(self.largest, cost)

    def goal(self, now: float, horizon: float, *, ready: bool) -> int:
        """Return what this process wants to hold now, reservations included.

        Args:
            now: seconds on the monotonic clock.
            horizon: seconds of its demand that it wants to hold where money is not scarce.
            ready: hold something also for calls that come rarely.
        """
        if self.demand.asked:
            self.largest -= self.largest // 8
        per_second = self.demand.turn(now)
        ahead = int(per_second * (0.3 if self.scarce else horizon))
        if (ready or self.waiting) and not self.scarce:
            ahead = max(ahead, CALLS_AHEAD * max(self.largest, *self.waiting, 0))
        return self.reserved + max(sum(self.waiting), 0) + ahead


class RateHold:
    """The part of a bucket that this process has taken.

    Args:
        owner: whose limit, for messages.
        kind: ``requests`` or ``tokens``.
        rate: the limit.
        name: of the bucket at the store.
        now: seconds on the monotonic clock.
    """

    def __init__(self, owner: str, kind: str, rate: Rate, name: str, now: float) -> None:
        self.owner = owner
        self.kind = kind
        self.rate = rate
        self.capacity = rate.capacity
        self.name = name
        self.granted = self.used = 0
        self.expires = 0.0
        self.level = float(rate.capacity)
        self.level_at = 0.0
        """The time at which the level was seen, on the monotonic clock; 0 if it never was."""
        self.live = 1
        self.retry_at = 0.0
        self.promised = 0.0
        self.waiting: list[int] = []
        self.demand = Demand(now, fades_s=1.0)
        self.away_level: float | None = None
        self.away_at = 0.0

    def exhausted(self, need: int) -> bool:
        """Return whether the bucket had less than this after the last turn."""
        return self.level < need

    def left(self, now: float) -> int:
        """Return what may pass without asking: what is held, and a little credit where the bucket is far from empty."""
        held = self.granted - self.used
        if self.expires and now >= self.expires and held > 0:
            held = 0
        if self.level_at and now - self.level_at < _KNOWN_S:
            held += int(self.level / (4 * self.live))
        return held

    def use(self, count: int) -> None:
        """Count what passes."""
        self.used += count
        if count > 0:
            self.demand.asked += count

    def level_now(self, now: float) -> float:
        """Return what is in the bucket and held here, as far as this process knows."""
        held = self.granted - self.used
        if held > 0 and now >= self.expires:
            held = 0
        if not self.level_at:
            return float(self.capacity + min(held, 0))
        rate = self.rate
        level = self.level + (now - self.level_at) * rate.count / rate.seconds / self.live + held
        return level if level < self.capacity else float(self.capacity)

    def taken(self, granted: int, level: float, live: int, now: float) -> None:
        """Note what the store granted."""
        self.granted, self.level, self.live, self.level_at = granted, level, live, now
        self.expires = now + RATE_SLICE_MS / 1000 - 0.2
        self.away_level = None

    def refused(self, need: int, now: float) -> float:
        """Return the seconds after which a refused call can pass: exact, and spread over those refused before it."""
        per_second = self.rate.count / self.rate.seconds
        level = self.level if self.away_level is None else self.away_level
        missing = (min(need, self.capacity) - level) / per_second
        exact = max(_SHORTEST_S, missing - (now - self.level_at))
        # Counted from the last turn: refusals meanwhile must not put the next one off. All processes together ask the
        # store twenty times a second at most.
        self.retry_at = self.level_at + min(max(missing, _SHORTEST_S * self.live), _LONGEST_S)
        turn = max(now + exact, self.promised + need * self.live / per_second)
        if turn > now + exact + _SPREAD_S:
            turn = now + exact
        self.promised = turn
        return turn - now

    def away(self, now: float) -> int:
        """Return what may pass while the store is unavailable: this process's share of what refills."""
        capacity = max(1.0, self.capacity / self.live)
        if self.away_level is None:
            self.away_level, self.away_at = min(capacity, self.level / self.live), now
        refilled = (now - self.away_at) * self.rate.count / self.rate.seconds / self.live
        self.away_level = min(capacity, self.away_level + refilled)
        self.away_at = now
        return int(self.away_level)


class SlotHold:
    """The calls that this process may have under way.

    Args:
        owner: whose limit, for messages.
        capacity: of all processes.
        name: at the store.
    """

    def __init__(self, owner: str, capacity: int, name: str) -> None:
        self.owner = owner
        self.capacity = capacity
        self.name = name
        self.count = 0
        self.in_use = 0
        self.peak = Peak()
        self.expires = 0.0
        self.live = 1
        self.waiting: list[int] = []
        self.retry_at = 0.0
        self.refused = False

    def exhausted(self, _need: int) -> bool:
        """Return whether the last turn brought fewer slots than were needed."""
        return self.refused

    def left(self, now: float) -> int:
        """Return how many more calls may begin."""
        return (self.count if now < self.expires else 0) - self.in_use

    def renewed(self, count: int, need: int, live: int, now: float) -> None:
        """Note what the store granted of what was needed."""
        self.count, self.live, self.refused = count, live, count < need
        self.expires = now + SLOT_MS / 1000 - 2
