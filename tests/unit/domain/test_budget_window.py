"""Periods of budgets: they tile the time line in every zone, whatever its clocks do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.budget_window import Window, window_at

PERIODS = ("hour", "day", "week", "month", "quarter", "year")
DAY = 86_400
FIRST = int(datetime(2006, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
ZONES = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def neighbours(period: str, zone: str, starts: int, window: Window) -> Iterator[tuple[Window, Window]]:
    assert window.end_ms is not None
    yield window, window_at(period, zone, starts, window.end_ms)
    yield window_at(period, zone, starts, window.start_ms - 1), window


def changes(zone: ZoneInfo) -> Iterator[int]:
    """Return the seconds at which the zone's clocks changed, to a quarter of an hour."""

    def ahead(second: int) -> timedelta | None:
        return datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()

    for start in range(FIRST, LAST, 10 * DAY):
        before, after = start, start + 10 * DAY
        if ahead(before) == ahead(after):
            continue
        while after - before > 900:
            middle = (before + after) // 2
            before, after = (before, middle) if ahead(middle) == ahead(after) else (middle, after)
        yield after


@pytest.mark.parametrize("part", range(8))
def test_around_every_change_of_clocks_in_twenty_years_windows_tile_the_time_line(part: int) -> None:
    seen: set[tuple[int, ...]] = set()
    for name in ZONES[part::8]:
        found = tuple(changes(ZoneInfo(name)))
        if found in seen:
            continue
        seen.add(found)
        for change in found[:: max(1, len(found) // 12)]:
            for second in (change - 3600, change - 1, change, change + 1800):
                for period in PERIODS:
                    window = window_at(period, name, 1, second * 1000)
                    assert window.contains(second * 1000)
                    for earlier, later in neighbours(period, name, 1, window):
                        assert earlier.end_ms == later.start_ms, (name, period, second)
                        assert earlier.name != later.name


@given(
    second=st.integers(FIRST, LAST),
    zone=st.sampled_from(["America/Sao_Paulo", "Pacific/Auckland", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
    period=st.sampled_from(PERIODS),
    starts=st.integers(1, 7),
)
@settings(max_examples=300, deadline=None)
def test_a_moment_is_in_exactly_one_window(second: int, zone: str, period: str, starts: int) -> None:
    window = window_at(period, zone, starts, second * 1000 + 999)
    assert window.contains(second * 1000)
    assert window.end_ms is not None
    assert window_at(period, zone, starts, window.start_ms) == window
    assert window_at(period, zone, starts, window.end_ms - 1) == window
    assert window_at(period, zone, starts, window.end_ms).start_ms == window.end_ms


@pytest.mark.parametrize(
    ("moment", "zone", "hours"),
    [
        ("2026-03-29T12:00", "Europe/Berlin", 23),
        ("2026-10-25T12:00", "Europe/Berlin", 25),
        ("2018-11-04T12:00", "America/Sao_Paulo", 23),  # midnight itself is skipped
        ("2026-11-21T12:00", "Europe/Berlin", 24),
    ],
)
def test_a_day_has_as_many_hours_as_its_clocks_say(moment: str, zone: str, hours: int) -> None:
    window = window_at("day", zone, 1, at(moment, zone))
    assert window.end_ms is not None
    assert (window.end_ms - window.start_ms) / 3_600_000 == hours


def test_an_hour_that_comes_twice_is_two_windows() -> None:
    first = window_at("hour", "Europe/Berlin", 1, at("2026-10-25T00:30"))
    second = window_at("hour", "Europe/Berlin", 1, at("2026-10-25T01:30"))
    assert (first.name, second.name) == (
        "2026-10-25T02:00+0200@Europe/Berlin",
        "2026-10-25T02:00+0100@Europe/Berlin",
    )


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("America/Sao_Paulo", "2026-11@America/Sao_Paulo"),
        ("Pacific/Auckland", "2026-12@Pacific/Auckland"),
        ("UTC", "2026-12@UTC"),
    ],
)
def test_a_month_ends_when_it_ends_in_its_zone(zone: str, name: str) -> None:
    assert window_at("month", zone, 1, at("2026-12-01T01:00")).name == name


@pytest.mark.parametrize(
    ("period", "starts", "first", "end"),
    [
        ("week", 1, "2026-11-16", "2026-11-23"),
        ("week", 7, "2026-11-15", "2026-11-22"),
        ("quarter", 1, "2026-10-01", "2027-01-01"),
        ("quarter", 2, "2026-11-01", "2027-02-01"),
        ("year", 1, "2026-01-01", "2027-01-01"),
        ("year", 4, "2026-04-01", "2027-04-01"),
        ("year", 12, "2025-12-01", "2026-12-01"),
    ],
)
def test_periods_begin_where_the_budget_says(period: str, starts: int, first: str, end: str) -> None:
    window = window_at(period, "UTC", starts, at("2026-11-21T10:00"))
    assert (window.start_ms, window.end_ms) == (at(f"{first}T00:00"), at(f"{end}T00:00"))


def test_a_total_has_no_end() -> None:
    assert window_at("total", "UTC", 1, at("2026-11-21T10:00")) == Window("total@UTC", 0, None)
