"""Usage: sums by what the reader chooses, compared with an earlier period, and the same rows as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from starlette.responses import Response

from application.admin.completeness import assess
from application.admin.export import CsvDialect, csv_text
from application.admin.usage import UsageReport, without_price_by_model
from application.admin.usage_export import sheet_of
from application.ports.usage_store import Dimension
from domain.administrators import Permission
from infra.controllers.admin_pages.charts import bar_chart, ranked
from infra.controllers.admin_pages.formats import MISSING, PORTUGUESE
from infra.controllers.admin_pages.guard import AdminPage
from infra.controllers.admin_pages.overview import cost_of_row
from infra.controllers.admin_pages.page_request import PageRequest
from infra.controllers.admin_pages.usage_selection import (
    IN_TIME,
    PERIODS,
    WEEKS,
    UsageSelection,
    groupings,
    report_of,
    selection_of,
)

_MOST_ROWS = 500
_MOST_DAYS = 92


async def _get_usage(page: PageRequest) -> Response:
    chosen = selection_of(page)
    query, found = await report_of(page, chosen, chosen.by)
    before = (await report_of(page, chosen, chosen.by, WEEKS))[1] if chosen.compare else None
    currencies = [row.currency for row in sorted(found.totals, key=lambda row: -row.calls)]
    currency = page.query.get("currency", "")
    currency = currency if currency in currencies else (currencies[0] if currencies else "USD")
    earlier = {(row.group, row.currency): row for row in (before.rows if before else ())}
    rows = list(found.rows)
    if chosen.by not in IN_TIME:
        rows.sort(key=lambda row: (currencies.index(row.currency), -row.cost_units, row.group))
    return page.render(
        "usage.html",
        chosen=chosen,
        periods=PERIODS,
        dimensions=groupings(page),
        rows=[(row, cost_of_row(row), earlier.get((row.group, row.currency))) for row in rows[:_MOST_ROWS]],
        more=max(0, len(rows) - _MOST_ROWS),
        totals=[(row, cost_of_row(row)) for row in found.totals],
        changes=_changes(page, found, before),
        chart=await _chart(page, chosen, currency),
        currency=currency,
        currencies=currencies,
        complete=assess(await page.services.usage.writers(), query, page.now_ms),
        without_price=without_price_by_model(found),
        drill=_drill(chosen),
    )


def _changes(page: PageRequest, found: UsageReport, before: UsageReport | None) -> Mapping[str, str]:
    if before is None:
        return {}
    old = {row.currency: row for row in before.totals}
    changes = {
        row.currency: page.formats.change(row.cost_units, old[row.currency].cost_units)
        for row in found.totals
        if row.currency in old
    }
    calls = page.formats.change(sum(row.calls for row in found.totals), sum(row.calls for row in before.totals))
    return {**changes, "calls": calls}


async def _chart(page: PageRequest, chosen: UsageSelection, currency: str) -> object:
    """Return the cost by day and group; None for periods of too many days."""
    count = (chosen.last - chosen.first).days + 1
    if not 0 < count <= _MOST_DAYS:
        return None
    _, found = await report_of(page, chosen, "day" if chosen.by in IN_TIME else f"day,{chosen.by}")
    days = [chosen.first + timedelta(days=n) for n in range(count)]
    place = {day.isoformat(): n for n, day in enumerate(days)}
    series: dict[str, list[Decimal]] = {}
    for row in found.rows:
        if row.currency == currency:
            name = row.group[1] if len(row.group) > 1 else page.text("Cost")
            series.setdefault(name or MISSING, [Decimal()] * count)[place[row.group[0]]] += cost_of_row(row)
    if not series:
        return None
    f = page.formats
    labels = [
        (f.short_day(day) if not n or day.day == 1 else str(day.day), f.short_day(day)) for n, day in enumerate(days)
    ]
    shown = ranked(list(series.items()), lambda others: page.text("%(count)s others", count=others))
    return bar_chart(labels, shown, f, currency)


def _drill(chosen: UsageSelection) -> str:
    """Return the grouping that a row opens: the next one that its page does not group by or filter."""
    wanted = [one.value for one in (Dimension.MODEL, Dimension.PROJECT, Dimension.KEY, Dimension.DAY)]
    return next((one for one in wanted if one != chosen.by and one not in chosen.only), Dimension.DAY.value)


async def _get_csv(page: PageRequest) -> Response:
    chosen = selection_of(page)
    _, found = await report_of(page, chosen, chosen.by)
    dialect = CsvDialect.EXCEL_BR if page.formats.locale is PORTUGUESE else CsvDialect.STANDARD
    by = "".join(one if one.isascii() and one.isalnum() else "-" for one in chosen.by)[:40]
    headers = {"content-disposition": f'attachment; filename="usage-{by}-{chosen.first}-{chosen.last}.csv"'}
    return Response(csv_text(sheet_of(found), dialect), 200, headers, "text/csv; charset=utf-8")


PAGES = (
    AdminPage("GET", "/admin/usage", Permission.READ_USAGE, _get_usage),
    AdminPage("GET", "/admin/usage.csv", Permission.EXPORT_USAGE, _get_csv),
)
