"""Budgets: amounts that a project or a key may spend in a period."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.budget_window import Window, window_at
from domain.money import Money, to_units


class Period(StrEnum):
    """The calendar period after which a budget renews."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Budget:
    """One ceiling on spending.

    Args:
        ceiling: the most that may be spent in one period.
        period: after which it renews.
        timezone: IANA name of the zone whose calendar counts.
        hard: calls are refused once it is spent; otherwise it only alerts.
        alert_at: shares of the ceiling (0 to 1) at which to alert.
        id: distinguishes the budgets of one owner. An edit that keeps it keeps what has been spent.
        starts: first day of its weeks (1 = Monday to 7 = Sunday), or month in which its quarters and years begin.
        models: only calls of these codes count; empty if all do.
        strict: reserve the most that a call can cost, so that the ceiling is never passed.
    """

    ceiling: Money
    period: Period
    timezone: str = "UTC"
    hard: bool = True
    alert_at: tuple[Decimal, ...] = ()
    id: str = ""
    starts: int = 1
    models: frozenset[str] = frozenset()
    strict: bool = False

    @property
    def units(self) -> int:
        """The ceiling in the unit of ledger lines: 10^-12 of a currency unit, rounded down."""
        return to_units(self.ceiling.amount)

    def counts(self, code: str) -> bool:
        """Return whether calls of this model count."""
        return not self.models or code in self.models

    def window(self, time_ms: int) -> Window:
        """Return the period that contains this moment (milliseconds since 1970-01-01 UTC)."""
        return window_at(self.period, self.timezone, self.starts, time_ms)
