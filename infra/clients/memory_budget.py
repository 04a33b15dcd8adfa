"""One budget of memory for the bodies and answers of all callers of a process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar

from domain.errors import UnavailableError


class MemoryBudget:
    """Bytes that requests may hold.

    Args:
        limit: for all of them together. The requests of one project may hold half of it.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.refused = 0
        self._used = 0
        self._by_owner: Counter[str] = Counter()

    def facts(self) -> Mapping[str, object]:
        """Collect the counters for the health page."""
        return {"limit": self.limit, "used": self._used, "refused": self.refused}

    def take(self, owner: str, size: int) -> None:
        """Add to what an owner holds.

        Raises:
            UnavailableError: the budget, or the owner's share, is spent.
        """
        if self._used + size > self.limit or self._by_owner[owner] + size > self.limit // 2:
            self.refused += 1
            raise UnavailableError("Too much data is being processed at the moment; try again later.", retry_after=1)
        self._used += size
        self._by_owner[owner] += size

    def give_back(self, owner: str, size: int) -> None:
        """Subtract from what an owner holds."""
        self._used -= size
        self._by_owner[owner] -= size
        if not self._by_owner[owner]:
            del self._by_owner[owner]


class Allowance:
    """Memory that one request holds until it ends.

    Args:
        budget: to take it from.
        owner: project of the request.
    """

    __slots__ = ("_budget", "_held", "owner")

    def __init__(self, budget: MemoryBudget, owner: str) -> None:
        self._budget = budget
        self.owner = owner
        self._held = 0

    def hold(self, size: int) -> None:
        """Hold more memory.

        Raises:
            UnavailableError: the budget is spent.
        """
        self._budget.take(self.owner, size)
        self._held += size

    def release(self) -> None:
        """Give everything back. Safe to repeat."""
        if self._held:
            self._budget.give_back(self.owner, self._held)
            self._held = 0


ALLOWANCE: ContextVar[Allowance | None] = ContextVar("allowance", default=None)
"""Of the request that the current task serves."""


def hold(size: int) -> None:
    """Hold memory for the request that the current task serves, if there is one.

    Raises:
        UnavailableError: the budget is spent.
    """
    allowance = ALLOWANCE.get()
    if allowance is not None:
        allowance.hold(size)
