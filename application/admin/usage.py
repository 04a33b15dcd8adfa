"""Usage and cost, added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from application.admin.messages import CommandError
from application.ports.usage_store import Dimension, UnpricedRow, UsageQuery, UsageRow, UsageStore
from domain.billing_units import BY_PRICE, REPORTED
from domain.documents.values import closest, is_timezone
from domain.money import Money, plain

_NUMBERS = ("calls", "failed", "inexact", "unpriced", "implausible", "cost_units", "exposure_units")


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The rows of a report and their sums.

    Args:
        by: what the rows are broken down by.
        rows: ordered by group, then currency.
        totals: one row without a group for each currency: currencies are never added.
        without_price: what was used and is in no cost, by model and quantity.
    """

    by: tuple[Dimension, ...]
    rows: Sequence[UsageRow]
    totals: Sequence[UsageRow]
    without_price: Sequence[UnpricedRow] = ()


async def report(store: UsageStore, query: UsageQuery) -> UsageReport:
    """Add up the ledger.

    Raises:
        StoreUnavailableError: the store is unavailable.
    """
    rows = await store.report(query)
    totals: dict[str, UsageRow] = {}
    for row in rows:
        before = totals.get(row.currency)
        totals[row.currency] = replace(row, group=()) if before is None else _sum(before, row)
    without_price = await store.unpriced(query) if any(row.unpriced for row in rows) else ()
    return UsageReport(query.by, rows, [totals[currency] for currency in sorted(totals)], without_price)


def make_query(
    by: str, first: str | None = None, last: str | None = None, project: str | None = None, timezone: str = "UTC"
) -> UsageQuery:
    """Parse the options of a report.

    Args:
        by: dimensions with commas between them: ``project,model,day``.
        first: first day, ``2026-11-01``; None for no lower limit.
        last: last day, included; None for no upper limit.
        project: only this project.
        timezone: IANA zone in which days begin and end.

    Raises:
        CommandError: one of them is invalid.
    """
    if not is_timezone(timezone):
        raise CommandError(f"{timezone!r} is not a time zone; expected an IANA name such as Europe/Berlin")
    zone = ZoneInfo(timezone)
    from_ms = None if first is None else _midnight(_day(first), zone)
    to_ms = None if last is None else _midnight(_day(last), zone, days_later=1)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise CommandError("the first day comes after the last one")
    return UsageQuery(_dimensions(by), from_ms, to_ms, project, timezone)


def cost_text(row: UsageRow) -> str:
    """Format the exact cost in plain notation, without the currency."""
    return plain(Money.from_units(row.cost_units, row.currency).amount)


def exposure_text(row: UsageRow) -> str:
    """Format the most that the upstreams may charge, as ``cost_text`` formats the cost."""
    return plain(Money.from_units(row.exposure_units, row.currency).amount)


def used(row: UnpricedRow) -> tuple[str, str]:
    """Format an unpriced amount and its unit: ``12`` and ``images``."""
    unit = BY_PRICE.get(row.quantity)
    return (str(row.amount), row.quantity) if unit is None else (str(unit.shown(row.amount)), unit.label)


def cells(row: UsageRow) -> dict[str, object]:
    """Return the columns of a row as people see them: amounts of money as exact texts."""
    return {
        "calls": row.calls,
        "failed": row.failed,
        **{unit.column: unit.shown(row.used[unit.quantity]) for unit in REPORTED},
        "cost": cost_text(row),
        "exposure": exposure_text(row),
        "currency": row.currency,
        "inexact": row.inexact,
        "unpriced": row.unpriced,
        "implausible": row.implausible,
    }


def report_as_json(found: UsageReport, query: UsageQuery, first: str | None, last: str | None) -> dict[str, object]:
    """Return a report as JSON data."""
    return {
        "by": list(found.by),
        "from": first,
        "to": last,
        "project": query.project,
        "timezone": query.timezone,
        "rows": [dict(zip(found.by, row.group, strict=True)) | cells(row) for row in found.rows],
        "totals": [cells(total) for total in found.totals],
        "without_price": [
            {"model": row.model, "price": row.quantity, "calls": row.calls}
            | dict(zip(("amount", "unit"), used(row), strict=True))
            for row in found.without_price
        ],
    }


def _dimensions(by: str) -> tuple[Dimension, ...]:
    names = [name.strip() for name in by.split(",") if name.strip()]
    found: list[Dimension] = []
    for name in names:
        if name not in set(Dimension):
            meant = closest(name, Dimension)
            hint = f"did you mean {meant}?" if meant else f"choose from {', '.join(Dimension)}"
            raise CommandError(f"cannot group by {name!r}; {hint}")
        if Dimension(name) in found:
            raise CommandError(f"{name!r} is given twice")
        found.append(Dimension(name))
    return tuple(found)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day belongs to no zone yet
    except ValueError:
        raise CommandError(f"{text!r} is not a date; expected YYYY-MM-DD") from None


def _midnight(day: date, zone: ZoneInfo, *, days_later: int = 0) -> int:
    try:
        day += timedelta(days=days_later)
        return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000
    except (OverflowError, ValueError):
        raise CommandError(f"{day} is out of range") from None


def _sum(one: UsageRow, other: UsageRow) -> UsageRow:
    sums = {name: getattr(one, name) + getattr(other, name) for name in _NUMBERS}
    return replace(one, **sums, used={name: number + other.used[name] for name, number in one.used.items()})
