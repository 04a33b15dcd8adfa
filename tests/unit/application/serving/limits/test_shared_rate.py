"""A rate that processes share, in simulated time: under any load it passes, and nothing below it is refused."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

import pytest

from application.serving.ledger import Clock
from application.serving.limit_plans import LimitPlans
from application.serving.limiter import Limiter
from application.serving.limits.holds import BudgetHold
from application.serving.limits.lease_holder import LeaseHolder
from application.serving.limits.plan import NOTHING, LimitPlan
from domain.errors import RateLimitedError
from domain.leases import Leases
from domain.project import Caller
from domain.rate_limit import NO_LIMITS, Limits
from infra.in_flight.memory import MemoryInFlight
from infra.lease_store.memory import MemoryLeaseStore
from tests.builders import project

T = TypeVar("T")
START = 1_764_000_000.0
LIMITS = Limits(rpm=600, burst=10)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next thing to do."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jumping(self))
        self._clock_resolution = 1e-6  # coarser than rounding, so that a timer is due when its time has come

    def time(self) -> float:
        return self.now


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.now += timeout or 0
        return super().select(0)


class DistantStore(MemoryLeaseStore):
    """A store that makes one change after the other, each in the same time."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.changes = 0
        self._seconds = seconds
        self._turn = asyncio.Lock()

    async def change(self, subject: str, work: Callable[[Leases], T]) -> T:
        async with self._turn:
            self.changes += 1
            await asyncio.sleep(self._seconds)
            return await super().change(subject, work)


async def nothing_before(_subject: str, _hold: BudgetHold) -> int:
    return 0


@dataclass
class Run:
    """Calls so far: when they passed, and how many were refused."""

    passed: list[float] = field(default_factory=list)
    refused: int = 0
    changes: int = 0

    def between(self, first: float, last: float) -> int:
        return sum(first <= moment < last for moment in self.passed)


def run(processes: int, per_second: float, seconds: float, store_seconds: float) -> Run:
    """Call processes in turn, at an even pace."""
    found = Run()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        clock = Clock(lambda: START + loop.time(), lambda: 1000 + loop.time())
        store = DistantStore(store_seconds)
        made: list[tuple[Limiter, LimitPlan]] = []
        for number in range(processes):
            holder = LeaseHolder(store, MemoryInFlight(f"h{number}"), nothing_before, clock, lambda _: None)
            plans = LimitPlans(holder, clock, NO_LIMITS)
            plan = plans._make(Caller(project(limits=LIMITS), ""), "/v1/chat/completions", "sim", 0)
            assert plan is not None
            made.append((Limiter(holder, plans, clock, Fraction(0), lambda _: None), plan))
            await holder.start()

        async def call(number: int) -> None:
            limiter, plan = made[number % processes]
            try:
                await limiter._reserve(plan, NOTHING)
            except RateLimitedError:
                found.refused += 1
            else:
                found.passed.append(loop.time())

        async with asyncio.TaskGroup() as tasks:
            for number in range(int(per_second * seconds)):
                await asyncio.sleep(max(0.0, number / per_second - loop.time()))
                tasks.create_task(call(number))
        found.changes = store.changes

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(work())
    return found


@pytest.mark.parametrize(("processes", "within"), [(1, 0.02), (3, 0.02), (10, 0.05)])
@pytest.mark.parametrize("per_second", [12.0, 100.0, 400.0])
def test_under_any_load_the_rate_passes(processes: int, within: float, per_second: float) -> None:
    """Once the bucket is drained 600 a minute pass, neither more nor fewer. The store is not asked for each call."""
    found = run(processes, per_second, 30, 0.02)
    assert found.between(10, 30) == pytest.approx(200, rel=within)
    assert found.changes < 30 * 60


@pytest.mark.parametrize("processes", [1, 3])
def test_evenly_spaced_calls_below_the_rate_are_never_refused(processes: int) -> None:
    found = run(processes, 590 / 60, 60, 0.02)
    assert (len(found.passed), found.refused) == (590, 0)
