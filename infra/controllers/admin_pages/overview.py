"""The first page: spending, calls and what needs attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from starlette.responses import Response

from application.admin.selected_usage import selected_report
from application.admin.usage import UsageReport, without_price_by_model
from application.admin.usage_query import make_query
from application.ports.usage_store import UsageRow
from domain.administrators import Permission
from domain.money import Money
from infra.controllers.admin_pages.budgets import BudgetRow, budgets_of
from infra.controllers.admin_pages.charts import Series, bar_chart, ranked
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.page_request import PageRequest

_WEEKS = timedelta(days=28)
_LATEST = 200
_MOST_BUDGETS = 8
_ALERT = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that a person should look at.

    Args:
        kind: ``bad``, ``warn`` or ``off``.
        title: what it is.
        text: more about it.
        link: the page where it can be changed.
        label: of the link.
    """

    kind: str
    title: str
    text: str
    link: str
    label: str


def today(page: PageRequest) -> date:
    """Return the present day where the reader is."""
    return datetime.fromtimestamp(page.now_ms / 1000, UTC).astimezone(page.formats.zone).date()


def cost_of_row(row: UsageRow) -> Decimal:
    """Return the exact cost of a row."""
    return Money.from_units(row.cost_units, row.currency).amount


async def _get_overview(page: PageRequest) -> Response:
    day, services = today(page), page.services
    first = day.replace(day=1)
    zone = page.formats.zone.key
    query = make_query("day,project", first.isoformat(), day.isoformat(), None, zone)
    month = await selected_report(services.usage, query, page.who.scope)
    earlier = make_query("", (first - _WEEKS).isoformat(), (day - _WEEKS).isoformat(), None, zone)
    before = await selected_report(services.usage, earlier, page.who.scope)
    currency = _main_currency(month)
    budgets = await _budgets(page, month)
    return page.render(
        "overview.html",
        now=page.formats.now(page.now_ms),
        figures=_figures(page, month, before, day, currency),
        latency=await _latency(page),
        currency=currency,
        spend=_spend_chart(page, month, first, day, currency),
        calls=_calls_chart(page, month, first, day),
        failed=_failed_chart(page, month, first, day),
        attention=await _attention(page, month, budgets),
        budgets=budgets,
        empty=not month.rows and not await services.models.rows(),
    )


def _main_currency(found: UsageReport) -> str:
    """Return the currency with the most calls: the others stand beside it, and are never added."""
    return max(found.totals, key=lambda row: row.calls).currency if found.totals else "USD"


def _figures(
    page: PageRequest, month: UsageReport, before: UsageReport, day: date, currency: str
) -> Mapping[str, object]:
    f = page.formats
    of_today = [row for row in month.rows if row.group[0] == day.isoformat()]
    spent: dict[str, Decimal] = {}
    for row in of_today:
        spent[row.currency] = spent.get(row.currency, Decimal()) + cost_of_row(row)
    totals = {row.currency: cost_of_row(row) for row in month.totals}
    earlier = {row.currency: cost_of_row(row) for row in before.totals}
    calls, failed = sum(row.calls for row in of_today), sum(row.failed for row in of_today)
    tokens = sum(row.used["input_tokens"] + row.used["output_tokens"] for row in of_today)
    cached, read = (sum(row.used[name] for row in of_today) for name in ("cached_input_tokens", "input_tokens"))
    return {
        "today": f.amount(spent.get(currency, Decimal())),
        "today_others": [(one, f.amount(amount)) for one, amount in sorted(spent.items()) if one != currency],
        "month": f.amount(totals.get(currency, Decimal())),
        "month_change": f.change(totals.get(currency, Decimal()), earlier.get(currency, Decimal())),
        "month_others": [(one, f.amount(amount)) for one, amount in sorted(totals.items()) if one != currency],
        "calls": f.number(calls),
        "failed": f.percent(failed, calls, 2),
        "failed_calls": failed,
        "tokens": f.compact(tokens),
        "cached": f.percent(cached, read, 0),
    }


async def _latency(page: PageRequest) -> Mapping[str, object]:
    lines = await page.services.usage.lines(limit=_LATEST)
    took = sorted(line.latency_ms for line in lines if page.in_scope(line.project) and line.status < 400)  # noqa: PLR2004 - HTTP
    at = {name: took[min(len(took) - 1, len(took) * share // 100)] if took else None for name, share in _PERCENTILES}
    return {
        **{name: page.formats.duration(value) for name, value in at.items()},
        "calls": page.formats.number(len(took)),
    }


_PERCENTILES = (("p50", 50), ("p95", 95))


def _days(page: PageRequest, first: date, last: date) -> tuple[list[str], list[tuple[str, str]]]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    labels = [
        (page.formats.short_day(day) if n == 0 else str(day.day), page.formats.short_day(day))
        for n, day in enumerate(days)
    ]
    return [day.isoformat() for day in days], labels


def _spend_chart(page: PageRequest, month: UsageReport, first: date, last: date, currency: str) -> object:
    days, labels = _days(page, first, last)
    by_project: dict[str, list[Decimal]] = {}
    for row in month.rows:
        if row.currency == currency:
            values = by_project.setdefault(row.group[1], [Decimal()] * len(days))
            values[days.index(row.group[0])] += cost_of_row(row)
    series = ranked(list(by_project.items()), lambda count: page.text("%(count)s others", count=count))
    return bar_chart(labels, series, page.formats, currency, height=334)


def _calls_chart(page: PageRequest, month: UsageReport, first: date, last: date) -> object:
    days, labels = _days(page, first, last)
    values = [Decimal(sum(row.calls for row in month.rows if row.group[0] == day)) for day in days]
    return bar_chart(labels, [Series(page.text("Calls"), values)], page.formats, page.text("calls"), height=158)


def _failed_chart(page: PageRequest, month: UsageReport, first: date, last: date) -> object:
    days, labels = _days(page, first, last)
    values = []
    for day in days:
        calls = sum(row.calls for row in month.rows if row.group[0] == day)
        failed = sum(row.failed for row in month.rows if row.group[0] == day)
        values.append((Decimal(failed) * 100 / calls).quantize(Decimal("0.01")) if calls else Decimal())
    return bar_chart(labels, [Series(page.text("Failed"), values, "cbad")], page.formats, "%", height=158)


async def _budgets(page: PageRequest, month: UsageReport) -> list[BudgetRow]:
    """Return the budgets of the projects that spend most, nearest to their end first."""
    if not page.may(Permission.READ_PROJECTS):
        return []
    spent: dict[str, int] = {}
    for row in month.rows:
        spent[row.group[1]] = spent.get(row.group[1], 0) + row.cost_units
    with_budgets = {each.id for each in (await page.services.projects.rows()).values() if each.budgets}
    busiest = sorted(with_budgets & spent.keys(), key=lambda project: (-spent[project], project))
    seen = [project for project in busiest if page.in_scope(project)][:_MOST_BUDGETS]
    found = [row for project in seen for row in await budgets_of(page, project)]
    return sorted(found, key=lambda row: -row.gauge.share)[:_MOST_BUDGETS]


async def _attention(page: PageRequest, month: UsageReport, budgets: list[BudgetRow]) -> list[Attention]:
    services, found = page.services, list[Attention]()
    if page.may(Permission.READ_HEALTH):
        open_ones = [
            one["id"]
            for one in services.health.described(services.health.observed())
            if one["circuit_breaker"]["state"] == "open"
        ]
        if open_ones:
            title = page.text("Circuit breakers open: %(count)s", count=len(open_ones))
            found.append(Attention("bad", title, ", ".join(open_ones[:5]), "/admin/health", page.text("Open")))
    if page.may(Permission.READ_MODELS):
        broken = [row.id for row in (await services.models.rows()).values() if row.document is None]
        if broken:
            title = page.text("Documents with errors: %(count)s", count=len(broken))
            found.append(
                Attention("bad", title, ", ".join(broken[:5]), "/admin/models?state=errors", page.text("Open"))
            )
    for row in without_price_by_model(month)[:5]:
        text = page.text("%(model)s was used without a price for %(unit)s.", model=row.model, unit=row.quantity)
        found.append(
            Attention("bad", page.text("Price missing"), text, f"/admin/models?q={row.model}", page.text("Set price"))
        )
    for budget in budgets:
        if budget.gauge.share >= (budget.alert or _ALERT) * 100:
            title = page.text("Budget at %(share)s", share=page.formats.percent(budget.gauge.share, 100, 0))
            text = page.text("%(project)s, %(budget)s", project=budget.project, budget=budget.label)
            kind = "bad" if budget.gauge.level == "bad" else "warn"
            found.append(
                Attention(kind, title, text, f"/admin/projects/project?id={budget.project}", page.text("Open"))
            )
    if services.view.failure is not None:
        text = page.text("The last known documents stay in use.")
        found.append(
            Attention("warn", page.text("The catalogue is out of date"), text, "/admin/health", page.text("Open"))
        )
    waiting = services.ledger().get("lines_waiting")
    if isinstance(waiting, int) and waiting:
        text = page.text("They are kept on disk until the store takes them.")
        title = page.text("Ledger lines waiting: %(count)s", count=page.formats.number(waiting))
        found.append(Attention("off", title, text, "/admin/health", page.text("Open")))
    return found


PAGES = (AdminPage("GET", "/admin", Permission.READ_USAGE, _get_overview),)
