"""The reader's selection on the page of usage: period, grouping, filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from application.admin.messages import CommandError
from application.admin.selected_usage import selected_report
from application.admin.usage import UsageReport
from application.admin.usage_query import make_query
from application.ports.usage_store import TAG_PREFIX, Dimension, UsageQuery
from infra.controllers.admin_pages.overview import today
from infra.controllers.admin_pages.page_request import PageError, PageRequest
from infra.controllers.admin_pages.translations import marked

PERIODS = {
    "month": marked("This month"),
    "today": marked("Today"),
    "week": marked("Last 7 days"),
    "last-month": marked("Last month"),
    "days": marked("Choose days"),
}
DIMENSIONS = {
    Dimension.MODEL.value: marked("Model"),
    Dimension.PROJECT.value: marked("Project"),
    Dimension.KEY.value: marked("Key"),
    Dimension.END_USER.value: marked("End user"),
    Dimension.PROVIDER.value: marked("Provider"),
    Dimension.OPERATION.value: marked("Operation"),
    Dimension.DAY.value: marked("Day"),
    Dimension.MONTH.value: marked("Month"),
}
IN_TIME = frozenset({Dimension.DAY.value, Dimension.MONTH.value})
WEEKS = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class UsageSelection:
    """The reader's choice.

    Args:
        period: key of ``PERIODS``.
        first: first day.
        last: last day, included.
        by: grouping: a dimension, or ``tag:NAME``.
        only: filters, by dimension.
        compare: whether the period 4 weeks before is added up, too.
    """

    period: str
    first: date
    last: date
    by: str
    only: Mapping[str, str]
    compare: bool


def selection_of(page: PageRequest) -> UsageSelection:
    """Read the address of the page.

    Raises:
        PageError: it has invalid values.
    """
    now, query = today(page), page.query
    try:
        first = date.fromisoformat(query["first"]) if query.get("first") else now.replace(day=1)
        last = date.fromisoformat(query["last"]) if query.get("last") else now
    except ValueError as error:
        raise PageError(400, page.text("That cannot be done"), str(error)) from None
    period = query.get("period", "days" if "first" in query else "month")
    if period == "month":
        first, last = now.replace(day=1), now
    elif period == "today":
        first = last = now
    elif period == "week":
        first, last = now - timedelta(days=6), now
    elif period == "last-month":
        last = now.replace(day=1) - timedelta(days=1)
        first = last.replace(day=1)
    # A day is a period, not a filter: a row of a day opens that day.
    if query.get(Dimension.DAY.value):
        try:
            first = last = date.fromisoformat(query[Dimension.DAY.value])
        except ValueError as error:
            raise PageError(400, page.text("That cannot be done"), str(error)) from None
        period = "days"
    only = {name: value for name, value in query.items() if name in DIMENSIONS or name.startswith(TAG_PREFIX)}
    only = {name: value for name, value in only.items() if name not in IN_TIME}
    compare = query.get("compare", "on") == "on"
    return UsageSelection(period, first, last, query.get("by", Dimension.MODEL.value), only, compare)


async def report_of(
    page: PageRequest, chosen: UsageSelection, by: str, shift: timedelta = timedelta()
) -> tuple[UsageQuery, UsageReport]:
    """Return the sums of a selection by other dimensions, or of an earlier period.

    Raises:
        PageError: the selection is invalid.
        StoreUnavailableError: the store is unavailable.
    """
    filters = [f"{name}={value}" for name, value in chosen.only.items()]
    try:
        first, last = (chosen.first - shift).isoformat(), (chosen.last - shift).isoformat()
        query = make_query(by, first, last, None, page.formats.zone.key, filters=filters)
    except (CommandError, OverflowError) as error:
        raise PageError(400, page.text("That cannot be done"), str(error)) from None
    return query, await selected_report(page.services.usage, query, page.who.scope)


def groupings(page: PageRequest) -> Mapping[str, str]:
    """Return everything that can be grouped by, tags of projects included, with its name for people."""
    tags = {tag for project in page.services.view.catalog.projects.values() for tag in project.tags}
    names = {name: page.text(text) for name, text in DIMENSIONS.items()}
    return names | {f"{TAG_PREFIX}{tag}": page.text("Tag %(tag)s", tag=tag) for tag in sorted(tags)}
