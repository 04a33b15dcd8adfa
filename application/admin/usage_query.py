"""Options of a usage report, read from texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from application.admin.messages import CommandError
from application.ports.usage_store import TAG_PREFIX, Dimension, Grouping, TagDimension, UsageQuery
from domain.documents.values import closest, is_timezone

_CALENDAR = frozenset({Dimension.DAY, Dimension.MONTH})
_MONTH = re.compile(r"\d{4}-\d{2}")


def make_query(
    by: str,
    first: str | None = None,
    last: str | None = None,
    project: str | None = None,
    timezone: str = "UTC",
    *,
    filters: Iterable[str] = (),
) -> UsageQuery:
    """Parse the options of a report.

    Args:
        by: dimensions with commas between them: ``project,model,day``, ``tag:cost_centre``.
        first: first day, ``2026-11-01``; None for no lower limit.
        last: last day, included; None for no upper limit.
        project: only this project.
        timezone: IANA zone in which days begin and end.
        filters: only lines with these values: ``model=gpt-4o``, ``tag:cost_centre=4711``, ``currency=EUR``.

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
    only, currency = _filters(filters)
    return UsageQuery(_dimensions(by), from_ms, to_ms, project, timezone, only=only, currency=currency)


def days_of_month(month: str) -> tuple[str, str]:
    """Return the first and the last day of a month, ``2026-10``.

    Raises:
        CommandError: it is not a month.
    """
    try:
        first = date.fromisoformat(f"{month}-01" if _MONTH.fullmatch(month) else "")
        last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise CommandError(f"{month!r} is not a month; expected YYYY-MM") from None
    return first.isoformat(), last.isoformat()


def _dimensions(by: str) -> tuple[Grouping, ...]:
    found: list[Grouping] = []
    for name in (each.strip() for each in by.split(",")):
        if not name:
            continue
        dimension = _dimension(name)
        if dimension in found:
            raise CommandError(f"{name!r} is given twice")
        found.append(dimension)
    return tuple(found)


def _dimension(name: str, what: str = "group") -> Grouping:
    if name.startswith(TAG_PREFIX) and len(name) > len(TAG_PREFIX):
        return TagDimension(name.removeprefix(TAG_PREFIX))
    if name in set(Dimension):
        return Dimension(name)
    meant = closest(name, Dimension)
    hint = f"did you mean {meant}?" if meant else f"choose from {', '.join(Dimension)}, tag:NAME"
    raise CommandError(f"cannot {what} by {name!r}; {hint}")


def _filters(texts: Iterable[str]) -> tuple[tuple[tuple[Grouping, str], ...], str | None]:
    only: dict[Grouping, str] = {}
    currency: str | None = None
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise CommandError(f"{text!r} is not a filter; expected NAME=VALUE, such as model=gpt-4o")
        if name == "currency":
            currency = value
            continue
        dimension = _dimension(name, "filter")
        if dimension in _CALENDAR:
            raise CommandError(f"cannot filter by {name!r}; name the first and the last day")
        if dimension in only:
            raise CommandError(f"a filter by {name!r} is given twice")
        only[dimension] = value
    return tuple(only.items()), currency


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
