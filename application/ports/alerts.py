"""Port: where alerts about budgets are delivered.

Adapters: ``webhook`` and ``log`` in ``infra/alerts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BudgetAlert:
    """A share of a budget has been spent.

    Args:
        id: the same for every delivery of this alert.
        owner: ``project billing`` or ``key key_1``.
        project: id of the project.
        budget: id of the budget.
        period: the period: ``2026-11@Europe/Berlin``.
        share: the share of ``alert_at`` that has been reached: ``0.8``.
        spent: amount in plain notation.
        amount: the budget in plain notation.
        currency: ISO 4217 code.
        renews: when it renews, ISO 8601; None if it does not.
    """

    id: str
    owner: str
    project: str
    budget: str
    period: str
    share: str
    spent: str
    amount: str
    currency: str
    renews: str | None

    @property
    def text(self) -> str:
        """One line for people."""
        return (
            f"{self.owner}: {self.spent} of {self.amount} {self.currency} of budget {self.budget!r} is spent "
            f"(alert at {self.share}, period {self.period})"
        )


class Alerts(Protocol):
    """Delivers alerts. Nothing waits for it on the path of a call."""

    async def deliver(self, alert: BudgetAlert) -> bool:
        """Deliver an alert, trying again for a while; return whether it was delivered. Never raises."""
