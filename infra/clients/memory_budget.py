"""One budget of memory for the bodies and answers of all callers of a process."""

from __future__ import annotations

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
        self.used = 0
        self.by_owner: dict[str, int] = {}

    def facts(self) -> Mapping[str, object]:
        """Collect the counters for the health page."""
        return {"limit": self.limit, "used": self.used, "refused": self.refused}


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
            UnavailableError: the budget, or the owner's share, is spent.
        """
        budget, owner = self._budget, self.owner
        used, owned = budget.used + size, budget.by_owner.get(owner, 0) + size
        if used > budget.limit or owned > budget.limit // 2:
            budget.refused += 1
            raise UnavailableError("Too much data is being processed at the moment; try again later.", retry_after=1)
        budget.used = used
        budget.by_owner[owner] = owned
        self._held += size

    def release(self) -> None:
        """Give everything back. Safe to repeat."""
        held, self._held = self._held, 0
        if held:
            budget = self._budget
            budget.used -= held
            owned = budget.by_owner.pop(self.owner) - held
            if owned:
                budget.by_owner[self.owner] = owned


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
