"""All that this process holds of one subject of the lease store."""

from __future__ import annotations

from dataclasses import dataclass

from application.serving.holds import BudgetHold, RateHold, SlotHold


@dataclass(slots=True)
class Subject:
    """All that this process holds of one subject.

    Args:
        name: of the subject at the store.
        budgets, rates, slots: what it holds, by name.
        changed: something is to be reported.
        next_turn: when, on the monotonic clock.
        away: the store was unavailable at the last turn.
        failures: turns that failed, one after the other.
    """

    name: str
    budgets: dict[str, BudgetHold]
    rates: dict[str, RateHold]
    slots: dict[str, SlotHold]
    changed: bool = False
    next_turn: float = 0.0
    away: bool = False
    failures: int = 0

    def due(self, now: float) -> bool:
        """Return whether it is time for a turn."""
        if now < self.next_turn:
            return False
        return (
            self.changed
            or any(hold.granted > hold.spent or hold.spent > hold.known for hold in self.budgets.values())
            or any(hold.granted != hold.used for hold in self.rates.values())
            or any(hold.count for hold in self.slots.values())
        )
