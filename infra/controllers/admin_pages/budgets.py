"""Budgets and limits of a project as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from application.admin.limits_view import LimitState, states_of
from application.admin.projects import as_project
from application.ports.catalog_store import Kind
from domain.budget import Budget, Period
from domain.money import Money
from domain.project import Project
from infra.controllers.admin_pages.charts import GaugeBar, gauge
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.translations import marked

PERIODS = {
    Period.HOUR: marked("hour"),
    Period.DAY: marked("day"),
    Period.WEEK: marked("week"),
    Period.MONTH: marked("month"),
    Period.QUARTER: marked("quarter"),
    Period.YEAR: marked("year"),
    Period.TOTAL: marked("in total"),
}


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget at this moment.

    Args:
        project: whose.
        owner: the key that it is of; empty for the project itself.
        budget: as the project has it.
        label: ceiling and period, for people.
        used: what is spent.
        reserved: what is reserved for calls under way.
        left: what is left.
        alert: the first share at which it alerts.
        renews_ms: when it begins anew.
        gauge: the bar.
    """

    project: str
    owner: str
    budget: Budget
    label: str
    used: Decimal
    reserved: Decimal
    left: Decimal
    alert: Decimal | None
    renews_ms: int | None
    gauge: GaugeBar


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit at this moment, with its bar."""

    state: LimitState
    gauge: GaugeBar


async def budgets_of(page: PageRequest, project_id: str) -> Sequence[BudgetRow]:
    """Return the budgets of a project and its keys; none if it cannot be read."""
    project = page.services.view.catalog.projects.get(project_id)
    if project is None:
        project, _ = as_project(await page.services.catalog.get(Kind.PROJECT, project_id), project_id)
    return (await limits_and_budgets(page, project))[1]


async def limits_and_budgets(page: PageRequest, project: Project) -> tuple[list[LimitRow], list[BudgetRow]]:
    """Return the limits and the budgets of a project and its keys at this moment.

    Raises:
        StoreUnavailableError: the stores are unavailable.
    """
    services = page.services
    states = await states_of(services.leases, services.usage, project, services.defaults)
    owners = {f"project {project.id}": project.budgets} | {f"key {key.id}": key.budgets for key in project.keys}
    limits: list[LimitRow] = []
    budgets: list[BudgetRow] = []
    for state in states:
        matching = [one for one in owners.get(state.of, ()) if state.limit.startswith(f"budget {one.id!r}:")]
        if matching:
            budgets.append(_budget(page, project.id, state, matching[0]))
        elif not state.limit.startswith("budget "):
            used, held, left = (Decimal(text or 0) for text in (state.used, state.reserved, state.left))
            limits.append(LimitRow(state, gauge(used, held, used + held + left)))
    return limits, budgets


def _budget(page: PageRequest, project_id: str, state: LimitState, budget: Budget) -> BudgetRow:
    used, reserved, left = (_amount(text) for text in (state.used, state.reserved, state.left))
    alert = min(budget.alert_at, default=None)
    owner = state.of.removeprefix("key ") if state.of.startswith("key ") else ""
    period = page.text(PERIODS[budget.period])
    label = f"{budget.ceiling.currency} {page.formats.amount(budget.ceiling.amount)}, {period}"
    bar = gauge(used, reserved, budget.ceiling.amount, alert)
    return BudgetRow(project_id, owner, budget, label, used, reserved, left, alert, state.renews_ms, bar)


def _amount(text: str) -> Decimal:
    return Money(Decimal(text.partition(" ")[0] or 0), "").amount
