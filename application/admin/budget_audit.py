"""Proof that nothing is lost: sums of the ledger against what the processes reported to the lease store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.ports.catalog_store import CatalogStore, Kind
from application.ports.lease_store import LeaseStore
from application.ports.usage_store import Dimension, UsageQuery, UsageStore
from domain.budget import Budget
from domain.budget_window import Window
from domain.documents import read_project
from domain.project import Project


@dataclass(frozen=True, slots=True)
class EstimatedLine:
    """A ledger line whose usage is not what an upstream reported.

    Args:
        id: of the line.
        time_ms: arrival of the call.
        request_id: of the call.
        model: that served it.
        source: ``estimated`` or ``partial``.
        error: code of what ended the call, if anything did.
        cost: in 10^-12 currency units.
    """

    id: str
    time_ms: int
    request_id: str
    model: str
    source: str
    error: str | None
    cost: int


@dataclass(frozen=True, slots=True)
class AuditedBudget:
    """One budget in one period.

    Args:
        subject: whose, as the store names it.
        account: budget and period.
        currency: of the amounts, which are in 10^-12 currency units.
        ledger: sum of the lines that count in it.
        settled: what the lease store has.
        reported: the part of it that processes reported.
        counted: sum of the lines that name the account.
        held: what processes hold beside.
        estimates: the lines whose usage is estimated or partial, latest first.
    """

    subject: str
    account: str
    currency: str
    ledger: int
    settled: int
    reported: int
    counted: int
    held: int
    estimates: tuple[EstimatedLine, ...]

    @property
    def inexact(self) -> int:
        """Number of estimates."""
        return len(self.estimates)

    @property
    def agrees(self) -> bool:
        """True if ledger and lease store have the same sum of what processes reported."""
        return self.reported == self.counted


async def audit(catalog: CatalogStore, usage: UsageStore, leases: LeaseStore) -> Sequence[AuditedBudget]:
    """Compare every budget of every project whose period has not ended.

    Raises:
        StoreUnavailableError: a store is unavailable.
    """
    found: list[AuditedBudget] = []
    for stored in await catalog.load(Kind.PROJECT):
        project, _ = read_project(stored.body)
        if project is None:
            continue
        subject = f"project:{project.id}"
        accounts = (await leases.read(subject)).budgets
        for key_id, budget in _budgets(project):
            prefix = f"{key_id}/" if key_id else ""
            for name, account in accounts.items():
                if not name.startswith(f"{prefix}{budget.id}|"):
                    continue
                window = _window(budget, account.opened_ms, name)
                if window is None:
                    continue
                total, inexact = await ledger_sum(usage, project.id, key_id, budget, window)
                beside, _ = await ledger_sum(usage, project.id, key_id, budget, window, uncounted_in=name)
                estimates = await _estimates(usage, project.id, key_id, budget, window) if inexact else ()
                found.append(
                    AuditedBudget(
                        subject,
                        name,
                        budget.ceiling.currency,
                        total,
                        account.settled,
                        account.reported,
                        total - beside,
                        account.unspent,
                        estimates,
                    )
                )
    return found


async def ledger_sum(
    usage: UsageStore, project_id: str, key_id: str, budget: Budget, window: Window, uncounted_in: str | None = None
) -> tuple[int, int]:
    """Return the sum of the ledger lines that count in a budget in a period, and how many of them are inexact."""
    query = UsageQuery(
        (Dimension.MODEL, Dimension.KEY), window.start_ms, window.end_ms, project_id, uncounted_in=uncounted_in
    )
    rows = [
        row
        for row in await usage.report(query)
        if row.currency == budget.ceiling.currency and budget.counts(row.group[0]) and key_id in {"", row.group[1]}
    ]
    return sum(row.cost_units for row in rows), sum(row.inexact for row in rows)


async def _estimates(
    usage: UsageStore, project_id: str, key_id: str, budget: Budget, window: Window
) -> tuple[EstimatedLine, ...]:
    return tuple(
        EstimatedLine(
            line.id, line.time_ms, line.request_id, line.code, line.usage_source.value, line.error, line.cost_units
        )
        for line in await usage.inexact(UsageQuery((), window.start_ms, window.end_ms, project_id))
        if line.currency == budget.ceiling.currency and budget.counts(line.code) and key_id in {"", line.key_id}
    )


def _budgets(project: Project) -> list[tuple[str, Budget]]:
    return [("", budget) for budget in project.budgets] + [
        (key.root, budget) for key in project.keys for budget in key.budgets
    ]


def _window(budget: Budget, near_ms: int, account: str) -> Window | None:
    """Return the period of an account: the one in which it was opened, or the one after it."""
    window = budget.window(near_ms)
    if window.end_ms is not None and not account.endswith(f"|{window.name}"):
        window = budget.window(window.end_ms)
    return window if account.endswith(f"|{window.name}") else None
