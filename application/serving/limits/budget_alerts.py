"""Alerts about budgets: each once a period, by one process of all, again if that one could not deliver it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from application.ports.alerts import Alerts, BudgetAlert
from application.serving.limits.holds import BudgetHold
from domain.budget_account import BudgetAccount
from domain.documents.write import time_text
from domain.money import Money, plain

logger = logging.getLogger("llmproxy.alerts")

CLAIM_MS = 180_000
"""The time that a process has to deliver an alert that it has claimed, before another one may."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A share of a budget has been spent, and this process is to say so.

    Args:
        subject: whose budget, as the store names it.
        hold: the budget.
        share: of its amount, as the document has it.
        settled: what is spent, in 10^-12 currency units.
    """

    subject: str
    hold: BudgetHold
    share: Decimal
    settled: int


def claim_alerts(account: BudgetAccount, hold: BudgetHold, holder: str, now_ms: int) -> tuple[Decimal, ...]:
    """Claim the alerts that are due and that no process has delivered or is delivering.

    An entry of the account is a share (``0.8``: delivered), or one with who claimed it and when (``0.8|holder|ms``).
    """
    due: list[Decimal] = []
    for share in hold.budget.alert_at:
        name = str(share)
        claim = next((one for one in account.alerted if one.startswith(f"{name}|")), None)
        if share in hold.alerted and name not in account.alerted:
            account.alerted = [*(one for one in account.alerted if one != claim), name]
        if name in account.alerted or not hold.amount or account.settled < share * hold.amount:
            continue
        if claim is not None:
            _, by, at_ms = claim.rsplit("|", 2)
            own = by == holder and share not in hold.alerting  # claimed in a turn whose answer was lost
            if not own and now_ms - int(at_ms) < CLAIM_MS:
                continue
            account.alerted.remove(claim)
        account.alerted.append(f"{name}|{holder}|{now_ms}")
        due.append(share)
    return tuple(due)


class AlertDelivery:
    """Delivers alerts in the background.

    Args:
        alerts: where they go.
    """

    def __init__(self, alerts: Alerts) -> None:
        self.found = 0
        """Alerts of this process so far."""
        self._alerts = alerts
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, alert: Alert) -> None:
        """Log an alert, and deliver it."""
        self.found += 1
        message = _message(alert)
        logger.warning(
            "budget alert",
            extra={name: getattr(message, name) for name in ("owner", "budget", "period", "share", "spent", "amount")},
        )
        task = asyncio.create_task(self._deliver(alert, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is not delivered yet: another process, or the next start, delivers it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, alert: Alert, message: BudgetAlert) -> None:
        delivered = await self._alerts.deliver(message)
        alert.hold.alerting.discard(alert.share)
        if delivered:
            alert.hold.alerted.add(alert.share)


def _message(alert: Alert) -> BudgetAlert:
    hold = alert.hold
    ends = hold.window.end_ms
    return BudgetAlert(
        id=sha256(f"{alert.subject}\0{hold.account}\0{alert.share}".encode()).hexdigest()[:32],
        owner=hold.owner,
        project=alert.subject.partition(":")[2],
        budget=hold.budget.id,
        period=hold.window.name,
        share=str(alert.share),
        spent=plain(Money.from_units(alert.settled, hold.currency).amount),
        amount=plain(hold.budget.ceiling.amount),
        currency=hold.currency,
        renews=None if ends is None else time_text(ends),
    )
