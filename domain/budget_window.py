"""Calendar periods as spans of time, in any IANA time zone: they tile the time line whatever its clocks do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_HOUR_S = 3600
_MONTHS = 12
_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Window:
    """One period of a budget.

    Args:
        name: identifies it: ``2026-11@America/Sao_Paulo``.
        start_ms: its first millisecond (since 1970-01-01 UTC).
        end_ms: the first millisecond after it; None if it has no end.
    """

    name: str
    start_ms: int
    end_ms: int | None

    def contains(self, time_ms: int) -> bool:
        """Return whether a moment is in it."""
        return self.start_ms <= time_ms and (self.end_ms is None or time_ms < self.end_ms)


def window_at(period: str, timezone: str, starts: int, time_ms: int) -> Window:
    """Return the window that contains a moment.

    Args:
        period: ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year`` or ``total``.
        timezone: IANA name.
        starts: first weekday of weeks (1 = Monday), or a month in which quarters and years begin.
        time_ms: milliseconds since 1970-01-01 UTC.

    Raises:
        LookupError: this machine knows no such time zone.
    """
    if period == "total":
        return Window(f"total@{timezone}", 0, None)
    zone = ZoneInfo(timezone)
    second = time_ms // 1000
    if period == "hour":
        return _hour(zone, timezone, second)
    first = _first_day(period, starts, datetime.fromtimestamp(second, zone).date())
    # Where clocks go back over midnight, two days alternate for a moment: only the boundaries decide.
    while _midnight(zone, first) > second:
        first = _first_day(period, starts, first - timedelta(days=1))
    following = _following(period, first)
    while _midnight(zone, following) <= second:
        first, following = following, _following(period, following)
    return Window(
        f"{_name(period, starts, first)}@{timezone}",
        1000 * _midnight(zone, first),
        1000 * _midnight(zone, following),
    )


def _hour(zone: ZoneInfo, timezone: str, second: int) -> Window:
    """Return an hour of the wall clock. A change of the clocks that is not on the hour divides it in two."""
    local = datetime.fromtimestamp(second, zone)
    ahead = _ahead(zone, second)
    start = second - (second + ahead) % _HOUR_S
    end = start + _HOUR_S
    if _ahead(zone, start) != ahead:
        start = _change(zone, start, second)
    if _ahead(zone, end - 1) != ahead:
        end = _change(zone, second, end - 1)
    # The offset is part of the name: when clocks go back the same hour comes twice.
    begins = datetime.fromtimestamp(start, zone)
    name = f"{begins:%Y-%m-%dT%H:%M}{local:%z}"
    return Window(f"{name}@{timezone}", 1000 * start, 1000 * end)


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """Return the first second after ``before`` at which the clocks stand as they do at ``after``."""
    target = _ahead(zone, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _ahead(zone, middle) == target:
            after = middle
        else:
            before = middle
    return after


def _ahead(zone: ZoneInfo, second: int) -> int:
    """Return the seconds that the zone's clocks are ahead of UTC."""
    offset = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds())


@lru_cache(maxsize=1024)
def _midnight(zone: ZoneInfo, day: date) -> int:
    """Return the POSIX second at which a day begins.

    Where clocks skip midnight, the moment of the change; where it comes twice, the first.
    """
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _first_day(period: str, starts: int, day: date) -> date:
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=(day.isoweekday() - starts) % 7)
    months = _MONTHS_OF[period]
    number = day.year * _MONTHS + day.month - 1
    return _month(number - (number - (starts - 1)) % months)


def _following(period: str, first: date) -> date:
    if period in {"day", "week"}:
        return first + timedelta(days=1 if period == "day" else 7)
    return _month(first.year * _MONTHS + first.month - 1 + _MONTHS_OF[period])


def _month(number: int) -> date:
    return date(number // _MONTHS, number % _MONTHS + 1, 1)


def _name(period: str, starts: int, first: date) -> str:
    if period == "day":
        return first.isoformat()
    if period == "week":
        return f"{first.isoformat()}/week"
    if period == "month":
        return f"{first:%Y-%m}"
    return f"{first:%Y}" if period == "year" and starts == 1 else f"{first:%Y-%m}/{period}"
