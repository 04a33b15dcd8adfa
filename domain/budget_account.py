"""One period of a budget, shared by many processes: what is spent, and who may spend how much of the rest.

Amounts are whole numbers of 10^-12 currency units. Everything that a process (a *holder*) reports is cumulative, so
that a report that arrives twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Slice:
    """The part of an account that one holder may spend without asking.

    Args:
        granted: all that it was ever allowed to spend, less what it gave back.
        spent: all that it has spent.
    """

    granted: int = 0
    spent: int = 0

    @property
    def unspent(self) -> int:
        """The amount that it may still spend."""
        return max(0, self.granted - self.spent)


@dataclass(slots=True)
class BudgetAccount:
    """The account of one budget in one period.

    Args:
        amount: the ceiling. Editing it changes nothing else.
        ends_ms: the first millisecond after its period; None if it has no end.
        base: cost of the ledger lines of its period that no holder reported: those from before the budget existed.
        base_at_ms: when ``base`` was last read from the ledger.
        reported: what holders have spent.
        exposure: slices written off because their holder is gone with its disk: what may have been spent beside.
        wanted_ms: when a call last found that only slices of others stood in its way.
        slices: by holder.
        alerted: the shares of the amount at which an alert has been sent.
        opened_ms: when the account was opened.
    """

    amount: int
    ends_ms: int | None = None
    base: int = 0
    base_at_ms: int = 0
    reported: int = 0
    exposure: int = 0
    wanted_ms: int = 0
    slices: dict[str, Slice] = field(default_factory=dict)
    alerted: list[str] = field(default_factory=list)
    opened_ms: int = 0

    @property
    def settled(self) -> int:
        """All that is known to be spent."""
        return self.base + self.reported

    @property
    def unspent(self) -> int:
        """All that holders may still spend without asking."""
        return sum(one.unspent for one in self.slices.values())

    @property
    def free(self) -> int:
        """The amount that can still be granted; negative if more was spent than the budget."""
        return self.amount - self.settled - self.unspent

    def report(self, holder: str, spent: int, known: int = 0) -> None:
        """Take note of all that a holder has spent, also where that is more than it was granted.

        Args:
            holder: who spent it.
            spent: cumulative.
            known: how much of it the holder knows to be reported: counts where its slice has been removed.
        """
        own = self.slices.get(holder)
        if own is None:
            own = self.slices[holder] = Slice(known, known)
        if spent > own.spent:
            self.reported += spent - own.spent
            own.spent = spent
        own.granted = max(own.granted, own.spent)

    def grant(self, holder: str, want: int, need: int, live: int) -> bool:
        """Grant more to a holder that has just reported.

        Args:
            holder: who asks.
            want: what it expects to use soon.
            need: what the call that waits needs; 0 if none waits.
            live: number of holders that are alive: each gets a share that shrinks with what is left.

        Returns:
            Whether ``need`` could be granted.
        """
        free = self.free
        if need and need > free:
            return False
        more = max(need, min(want, free // (2 * max(live, 1))))
        if more > 0:
            self.slices[holder].granted += more
        return True

    def give_back(self, holder: str, keep: int) -> None:
        """Return what a holder does not need, so that it keeps at most this much unspent."""
        own = self.slices.get(holder)
        if own is not None:
            own.granted = own.spent + min(own.unspent, max(keep, 0))

    def remove(self, holder: str) -> int:
        """Remove the slice of a holder whose spending is completely reported; return what was unspent."""
        own = self.slices.pop(holder, None)
        return 0 if own is None else own.unspent

    def write_off(self, holder: str) -> int:
        """Remove the slice of a holder that cannot report any more, and show it as exposure; return its size."""
        lost = self.remove(holder)
        self.exposure += lost
        return lost
