"""Everything that processes share about one subject: a project with its keys, or a deployment."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.budget_account import BudgetAccount
from domain.rate_account import RateAccount, SlotAccount

HOLDER_MS = 30_000
"""Time for which a holder counts as alive after it was last seen."""
KEPT_MS = 48 * 3600 * 1000
"""Time for which an account is kept after its period has ended."""
FORGOTTEN_MS = 24 * 3600 * 1000
"""Time after the end of a period at which the slice of a silent holder is written off."""


@dataclass(slots=True)
class Leases:
    """The accounts of one subject.

    Args:
        holders: when each process was last seen (milliseconds since 1970-01-01 UTC).
        budgets: by budget and period.
        rates: token buckets by limit.
        slots: concurrency by limit.
    """

    holders: dict[str, int] = field(default_factory=dict)
    budgets: dict[str, BudgetAccount] = field(default_factory=dict)
    rates: dict[str, RateAccount] = field(default_factory=dict)
    slots: dict[str, SlotAccount] = field(default_factory=dict)

    def seen(self, holder: str, now_ms: int) -> int:
        """Note that a holder is alive; return the number of those that are."""
        self.holders[holder] = max(now_ms, self.holders.get(holder, 0))
        return self.live(now_ms)

    def live(self, now_ms: int) -> int:
        """Return the number of holders that are alive."""
        return sum(at_ms + HOLDER_MS > now_ms for at_ms in self.holders.values())

    def leave(self, holder: str, now_ms: int) -> None:
        """Note that a holder has reported everything, and give back all that it has.

        What it has reported is kept for a while: should it be reported once more, it must not count twice.
        """
        self.holders[holder] = min(self.holders.get(holder, now_ms), now_ms - HOLDER_MS)
        for budget in self.budgets.values():
            budget.give_back(holder, 0)
        for slots in self.slots.values():
            slots.slots.pop(holder, None)

    def release(self, holder: str, now_ms: int) -> int:
        """Write off whatever a holder has that is gone with its disk; return the sum of its slices."""
        lost = sum(budget.write_off(holder) for budget in self.budgets.values())
        self.leave(holder, now_ms)
        return lost

    def tidy(self, now_ms: int) -> None:
        """Remove what nobody needs any more: ended periods, and holders that have been silent for long."""
        for key, budget in list(self.budgets.items()):
            if budget.ends_ms is None or now_ms < budget.ends_ms:
                continue
            if now_ms > budget.ends_ms + FORGOTTEN_MS:
                silent = [name for name in budget.slices if not self._alive(name, now_ms)]
                for holder in silent:
                    budget.write_off(holder)
            if now_ms > budget.ends_ms + KEPT_MS:
                del self.budgets[key]
        for holder in [name for name, at_ms in self.holders.items() if at_ms + FORGOTTEN_MS < now_ms]:
            slices = [budget.slices[holder] for budget in self.budgets.values() if holder in budget.slices]
            if not any(one.unspent for one in slices):
                del self.holders[holder]
                for budget in self.budgets.values():
                    budget.remove(holder)

    def _alive(self, holder: str, now_ms: int) -> bool:
        return self.holders.get(holder, 0) + HOLDER_MS > now_ms
