"""Sums of ledger lines, for stores that cannot compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from application.ports.usage_store import Dimension, Grouping, TagDimension, UsageQuery, UsageRow
from domain.billing_units import REPORTED
from domain.usage import LARGEST_PLAUSIBLE, UsageSource

_FAILED = 400
COLUMN = {
    Dimension.PROJECT: "project",
    Dimension.MODEL: "code",
    Dimension.KEY: "key_id",
    Dimension.PROVIDER: "provider",
    Dimension.OPERATION: "operation",
    Dimension.END_USER: "end_user",
}
"""Members of ledger lines by dimension; the others are computed."""
_ALWAYS = ("currency", "status", "usage", "usage_source", "cost_units", "exposure_units", "unpriced")


class Labels:
    """Values of a line in the dimensions of a report.

    Args:
        query: the report: its grouping, and what its lines have to be.
        zone: time zone of days and months.
    """

    def __init__(self, query: UsageQuery, zone: ZoneInfo) -> None:
        self._by = query.by
        self._only = query.only
        self._zone = zone

    @property
    def columns(self) -> Sequence[str]:
        """Members of a line that are read."""
        return tuple(dict.fromkeys(map(_member, (*self._by, *(dimension for dimension, _ in self._only)))))

    def selects(self, row: Mapping[str, Any]) -> bool:
        """Return True if the line has the values that ``query.only`` asks for."""
        return all(self._label(dimension, row) == value for dimension, value in self._only)

    def group(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return a value for each dimension of the grouping."""
        return tuple(self._label(dimension, row) for dimension in self._by)

    def _label(self, dimension: Grouping, row: Mapping[str, Any]) -> str:
        if isinstance(dimension, TagDimension):
            return str(row.get("tags", {}).get(dimension.name, ""))
        column = COLUMN.get(dimension)
        if column is not None:
            return str(row.get(column, ""))
        day = datetime.fromtimestamp(row["time_ms"] // 1000, self._zone).date().isoformat()
        return day if dimension is Dimension.DAY else day[:-3]


def _member(dimension: Grouping) -> str:
    return "tags" if isinstance(dimension, TagDimension) else COLUMN.get(dimension, "time_ms")


class Sums:
    """Sums of lines added one by one, in any order. Absent members of a line count as zero.

    Args:
        labels: which lines belong together.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._sums: dict[tuple[tuple[str, ...], str], list[int]] = {}

    @property
    def columns(self) -> Sequence[str]:
        """Members of a line that :meth:`add` reads."""
        return tuple(dict.fromkeys((*_ALWAYS, *self._labels.columns)))

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a line."""
        group = self._labels.group(row)
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


def _row(group: tuple[str, ...], currency: str, numbers: Sequence[int]) -> UsageRow:
    calls, failed, inexact, unpriced, implausible, cost, exposure, *used = numbers
    quantities = {unit.quantity: number for unit, number in zip(REPORTED, used, strict=True)}
    return UsageRow(group, currency, calls, failed, inexact, unpriced, cost, exposure, quantities, implausible)
