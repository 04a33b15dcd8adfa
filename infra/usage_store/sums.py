"""Sums of ledger lines, for stores that cannot compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from application.ports.usage_store import Dimension, UsageRow
from domain.billing_units import REPORTED
from domain.usage import LARGEST_PLAUSIBLE, UsageSource

_FAILED = 400
_COLUMN = {
    Dimension.PROJECT: "project",
    Dimension.MODEL: "code",
    Dimension.KEY: "key_id",
    Dimension.PROVIDER: "provider",
    Dimension.OPERATION: "operation",
    Dimension.END_USER: "end_user",
}
_ALWAYS = ("currency", "status", "usage", "usage_source", "cost_units", "exposure_units", "unpriced")


class Sums:
    """Sums of lines added one by one, in any order. Absent members of a line count as zero.

    Args:
        by: the grouping.
        zone: time zone of days and months.
    """

    def __init__(self, by: Sequence[Dimension], zone: ZoneInfo) -> None:
        self._by = tuple(by)
        self._zone = zone
        self._sums: dict[tuple[tuple[str, ...], str], list[int]] = {}

    @property
    def columns(self) -> Sequence[str]:
        """Members of a line that :meth:`add` reads."""
        return (*_ALWAYS, *dict.fromkeys(_COLUMN.get(dimension, "time_ms") for dimension in self._by))

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a line."""
        group = tuple(self._label(dimension, row) for dimension in self._by)
        usage = row.get("usage", {})
        cost = int(row["cost_units"])
        numbers = (
            1,
            row["status"] >= _FAILED,
            row["usage_source"] != UsageSource.MEASURED,
            bool(row.get("unpriced")),
            max(usage.get(unit.quantity, 0) for unit in REPORTED) > LARGEST_PLAUSIBLE,
            cost,
            int(row.get("exposure_units", cost)),
            *(usage.get(unit.quantity, 0) for unit in REPORTED),
        )
        sums = self._sums.setdefault((group, row["currency"]), [0] * len(numbers))
        for place, number in enumerate(numbers):
            sums[place] += number

    def rows(self) -> list[UsageRow]:
        """Return the report, ordered by group, then currency."""
        return [_row(*key, numbers) for key, numbers in sorted(self._sums.items())]

    def _label(self, dimension: Dimension, row: Mapping[str, Any]) -> str:
        column = _COLUMN.get(dimension)
        if column is not None:
            return str(row.get(column, ""))
        day = datetime.fromtimestamp(row["time_ms"] // 1000, self._zone).date().isoformat()
        return day if dimension is Dimension.DAY else day[:-3]


def _row(group: tuple[str, ...], currency: str, numbers: Sequence[int]) -> UsageRow:
    calls, failed, inexact, unpriced, implausible, cost, exposure, *used = numbers
    quantities = {unit.quantity: number for unit, number in zip(REPORTED, used, strict=True)}
    return UsageRow(group, currency, calls, failed, inexact, unpriced, cost, exposure, quantities, implausible)
