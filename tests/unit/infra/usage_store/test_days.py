"""Clock changes of time zones."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from infra.usage_store.days import offsets, zone

HOUR_MS = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_zone_without_changes_has_one_offset() -> None:
    assert offsets(ZoneInfo("UTC"), 5, ms("2030-01-01")) == [(5, 0)]
    assert offsets(ZoneInfo("Asia/Kathmandu"), 0, 0) == [(0, 5.5 * HOUR_MS)]


def test_changes_are_found_to_the_second() -> None:
    start = ms("2026-01-01T00:00:00") + 123
    assert offsets(ZoneInfo("Europe/Berlin"), start, ms("2026-12-31")) == [
        (start, HOUR_MS),
        (ms("2026-03-29T01:00:00"), 2 * HOUR_MS),
        (ms("2026-10-25T01:00:00"), HOUR_MS),
    ]


def test_a_whole_day_can_be_left_out() -> None:
    assert offsets(ZoneInfo("Pacific/Apia"), ms("2011-12-01"), ms("2012-01-15")) == [
        (ms("2011-12-01"), -10 * HOUR_MS),
        (ms("2011-12-30T10:00:00"), 14 * HOUR_MS),
    ]


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown time zone 'Mars'"):
        zone("Mars")
