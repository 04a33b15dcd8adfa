"""Notices when the spend or the errors of a project leave their usual band, from counts that are there anyway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from domain.usual_band import UsualBand
from infra.telemetry.call_metrics import CallMetrics

logger = logging.getLogger("llmproxy.anomalies")

_UNITS = 10**12
"""Units of cost in one unit of a currency."""
_HOUR = 3600.0
_LEAST_SPEND = 1.0
"""Units of a currency an hour below which spending is never unusual."""
_LEAST_SHARE = 0.05
"""Share of failed calls below which errors are never unusual."""
_LEAST_CALLS = 10
"""With fewer calls within an interval a share says nothing."""


class AnomalyWatch:
    """Compares each interval with those before it. Each worker process does so for its own calls.

    Args:
        metrics: of this process.
        interval: seconds.
    """

    def __init__(self, metrics: CallMetrics, interval: float) -> None:
        self._metrics = metrics
        self._interval = interval
        self._spent: dict[tuple[str, str], int] = {}
        self._calls: dict[str, tuple[int, int]] = {}
        self._spending: dict[tuple[str, str], UsualBand] = {}
        self._errors: dict[str, UsualBand] = {}

    async def run(self) -> None:
        """Compare again and again."""
        while True:
            await asyncio.sleep(self._interval)
            self.turn()

    def turn(self) -> None:
        """Compare the interval that ends now."""
        self._compare_spending()
        self._compare_errors()

    def _compare_spending(self) -> None:
        totals: dict[tuple[str, str], int] = {}
        for (currency, project, _), units in self._metrics.counts.costs.items():
            totals[currency, project] = totals.get((currency, project), 0) + units
        for key, total in totals.items():
            hourly = (total - self._spent.get(key, 0)) / _UNITS * _HOUR / self._interval
            before = self._spending.get(key, UsualBand())
            band = self._spending[key] = before.after(hourly, _LEAST_SPEND)
            if band.outside or before.outside:
                currency, project = key
                facts = {"currency": currency, "cost_per_hour": round(hourly, 6), "usual": round(before.mean, 6)}
                _report("the spending of a project", project, facts, before, band)
        self._spent = totals

    def _compare_errors(self) -> None:
        for project, (calls, failures) in self._metrics.by_project.items():
            calls_before, failures_before = self._calls.get(project, (0, 0))
            count = calls - calls_before
            if count < _LEAST_CALLS:
                continue  # they are compared once there are enough
            self._calls[project] = calls, failures
            share = (failures - failures_before) / count
            before = self._errors.get(project, UsualBand())
            band = self._errors[project] = before.after(share, _LEAST_SHARE)
            if band.outside or before.outside:
                facts = {"share": round(share, 4), "usual": round(before.mean, 4), "calls": count}
                _report("the share of failed calls of a project", project, facts, before, band)


def _report(what: str, project: str, facts: Mapping[str, object], before: UsualBand, band: UsualBand) -> None:
    """Log that a value left its band, or is back; nothing while it stays outside."""
    facts = {"project": project, **facts}
    if band.outside and not before.outside:
        logger.warning("%s is unusually high", what, extra=facts)
    elif before.outside and not band.outside:
        logger.info("%s is as usual again", what, extra=facts)
