"""Calendar days of a time zone, for stores that can only do arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_MS = 24 * 60 * 60 * 1000
EPOCH_ORDINAL = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def zone(name: str) -> ZoneInfo:
    """Load an IANA time zone.

    Raises:
        ValueError: unknown time zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"unknown time zone {name!r}"
        raise ValueError(msg) from None


def offsets(where: ZoneInfo, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
    """List the zone's offsets from UTC during a span of time.

    Returns:
        pairs of a moment (milliseconds since 1970-01-01 UTC) and the milliseconds that clocks are ahead from then on;
        the first pair's moment is ``from_ms``.
    """
    at, end = from_ms // 1000, to_ms // 1000
    found = [(from_ms, 1000 * _ahead(where, at))]
    while at < end:
        # A day is a safe step: no zone changes its clocks twice within one.
        step = at + DAY_MS // 1000
        if _ahead(where, step) != _ahead(where, at):
            change = _first_with(where, at, step)
            found.append((1000 * change, 1000 * _ahead(where, change)))
        at = step
    return found


def _first_with(where: ZoneInfo, before: int, after: int) -> int:
    """Find the first second between these two with the UTC offset of ``after``."""
    target = _ahead(where, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _ahead(where, middle) == target:
            after = middle
        else:
            before = middle
    return after


def _ahead(where: ZoneInfo, second: int) -> int:
    moment = datetime.fromtimestamp(second, UTC).astimezone(where)
    return int((moment.utcoffset() or timedelta()).total_seconds())
