"""All that this process holds of one subject of the lease store."""

from __future__ import annotations

from dataclasses import dataclass, field

from application.serving.limits.holds import BudgetHold, RateHold, SlotHold

KEPT_READY_S = 300.0
"""Time after its last call for which a process holds a little for a subject, so that the next call does not wait."""
READY_TURN_S = 10.0
"""Seconds between turns in that time: others may need what is held."""
_CHANGED_S = 5.0
"""The longest time for which what calls spent stays unreported."""
_MOST_READY = 100
"""Beyond so many subjects in use that time is shorter, so that turns for idle ones never load the store."""


@dataclass(slots=True, eq=False)
class Subject:
    """All that this process holds of one subject.

    Args:
        name: of the subject at the store.
        budgets, rates, slots: what it holds, by name.
        active: subjects that may be due for a turn, by name; shared by all of them.
        changed: something is to be reported.
        next_turn: when there is one also if nothing is to be reported, on the monotonic clock.
        turned_at: time of the last one.
        used_at: time of the last turn that had something to report, on the monotonic clock.
        away: the store was unavailable at the last turn.
        failures: turns that failed, one after the other.
    """

    name: str
    budgets: dict[str, BudgetHold]
    rates: dict[str, RateHold]
    slots: dict[str, SlotHold]
    active: dict[str, Subject] = field(default_factory=dict)
    changed: bool = False
    next_turn: float = 0.0
    turned_at: float = 0.0
    used_at: float = 0.0
    away: bool = False
    failures: int = 0

    def touch(self) -> None:
        """Note that something is to be reported."""
        if not self.changed:
            self.changed = True
            self.active[self.name] = self

    @property
    def holds_anything(self) -> bool:
        """True if there is something to report or to give back."""
        return (
            self.changed
            or any(hold.granted > hold.spent or hold.spent > hold.known for hold in self.budgets.values())
            or any(hold.granted != hold.used for hold in self.rates.values())
            or any(hold.count for hold in self.slots.values())
        )

    def due(self, now: float) -> bool:
        """Return whether it is time for a turn: sooner than planned where a slice of a budget runs low."""
        if self.failures:
            return now >= self.next_turn
        if self.changed and now >= self.turned_at + _CHANGED_S:
            return True
        if now < self.next_turn and not any(hold.low for hold in self.budgets.values()):
            return False
        return self.in_use(now)

    def in_use(self, now: float) -> bool:
        """Return whether there is a reason for another turn, some time."""
        return self.holds_anything or (bool(self.rates) and self.ready(now))

    def ready(self, now: float) -> bool:
        """Return whether calls came so recently that more of them are to be expected."""
        return now - self.used_at < KEPT_READY_S * min(1.0, _MOST_READY / max(1, len(self.active)))
