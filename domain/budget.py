"""How much a project may spend in a period."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.money import Money


class Period(StrEnum):
    """The calendar period a budget renews with."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Budget:
    """One ceiling on spending.

    Args:
        ceiling: the most that may be spent in one period.
        period: when it renews.
        timezone: IANA name of the zone whose calendar counts.
        hard: calls are refused once it is spent; otherwise it only alerts.
        alert_at: shares of the ceiling (0 to 1) at which to alert.
    """

    ceiling: Money
    period: Period
    timezone: str = "UTC"
    hard: bool = True
    alert_at: tuple[Decimal, ...] = ()
