"""Lines about projects whose spending or errors are unusual."""

from __future__ import annotations

import logging

import pytest

from infra.telemetry.anomaly_watch import AnomalyWatch
from infra.telemetry.call_metrics import CallMetrics
from tests.builders import ledger_line

UNIT = 10**12
FIVE_MINUTES = 300.0


class Measured:
    """Counts of a process, and the watch over them."""

    def __init__(self) -> None:
        self.metrics = CallMetrics(100)
        self.watch = AnomalyWatch(self.metrics, FIVE_MINUTES)

    def serve(self, calls: int, failed: int = 0, cost: float = 0.0, project: str = "billing") -> None:
        """Serve calls, of which some fail, for a cost in USD together."""
        for number in range(calls):
            self.metrics.call(
                ledger_line(
                    project=project,
                    status=502 if number < failed else 200,
                    cost_units=int(cost * UNIT) // calls,
                    currency="USD",
                )
            )

    def interval(self, calls: int, failed: int = 0, cost: float = 0.0) -> None:
        """Serve calls of one project, and compare."""
        self.serve(calls, failed, cost)
        self.watch.turn()


def messages(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    return [(each.levelname, str(each.__dict__["project"]), each.getMessage()) for each in caplog.records]


def test_spending_that_leaves_its_band_is_reported_once_and_so_is_its_return(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "llmproxy.anomalies")
    measured = Measured()
    for _ in range(20):
        measured.serve(5, cost=0.8, project="other")
        measured.interval(5, cost=1.0)
    assert messages(caplog) == []
    for _ in range(3):
        measured.interval(5, cost=10.0)
    measured.interval(5, cost=1.0)
    what = "the spending of a project is"
    assert messages(caplog) == [
        ("WARNING", "billing", f"{what} unusually high"),
        ("INFO", "billing", f"{what} as usual again"),
    ]
    assert caplog.records[0].__dict__["cost_per_hour"] == pytest.approx(120.0)
    assert caplog.records[0].__dict__["usual"] == pytest.approx(12.0)


def test_failed_calls_are_compared_where_they_are_enough(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "llmproxy.anomalies")
    measured = Measured()
    for _ in range(20):
        measured.interval(50, failed=1)
    measured.interval(4, failed=4)  # too few: they are compared together with the next ones
    measured.interval(100, failed=1)
    assert messages(caplog) == []
    measured.interval(50, failed=25)
    assert messages(caplog) == [("WARNING", "billing", "the share of failed calls of a project is unusually high")]


def test_little_money_is_never_unusual(caplog: pytest.LogCaptureFixture) -> None:
    measured = Measured()
    for cost in [0.001] * 20 + [0.08]:
        measured.interval(5, cost=cost)
    assert messages(caplog) == []
