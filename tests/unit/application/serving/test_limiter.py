"""Admission in one process, with many calls at once and a store that takes its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import pytest

from application.serving.holds import BudgetHold
from application.serving.lease_holder import LeaseHolder
from application.serving.ledger import Clock
from application.serving.limit_plan import NOTHING, LimitPlan, Reservation
from application.serving.limit_plans import LimitPlans
from application.serving.limiter import Limiter
from domain.errors import RateLimitedError
from domain.leases import Leases
from domain.project import Caller
from domain.rate_limit import NO_LIMITS, Limits
from infra.in_flight.memory import MemoryInFlight
from infra.lease_store.memory import MemoryLeaseStore
from tests.builders import project

T = TypeVar("T")


class SlowStore(MemoryLeaseStore):
    """A store whose answers take a few milliseconds."""

    async def change(self, subject: str, work: Callable[[Leases], T]) -> T:
        await asyncio.sleep(0.005)
        return await super().change(subject, work)


async def nothing_before(_subject: str, _hold: BudgetHold) -> int:
    return 0


def limited_to(limits: Limits) -> tuple[Limiter, LimitPlan]:
    clock = Clock(time.time, time.monotonic)
    holder = LeaseHolder(SlowStore(), MemoryInFlight("h"), nothing_before, clock, lambda _: None)
    plans = LimitPlans(holder, clock, NO_LIMITS)
    plan = plans._make(Caller(project(limits=limits), ""), "/v1/chat/completions", "sim", 0)
    assert plan is not None
    return Limiter(holder, plans, clock, Fraction(0), lambda _: None), plan


@pytest.mark.parametrize("limits", [Limits(concurrency=64), Limits(rpm=60_000, burst=1000)])
async def test_many_calls_at_once_below_the_limit_are_never_refused(limits: Limits) -> None:
    """Also where calls that arrive meanwhile take what a turn brought for those that waited."""
    limiter, plan = limited_to(limits)

    async def caller(number: int) -> int:
        passed = 0
        await asyncio.sleep(number % 7 / 1000)
        for _ in range(12):
            reservation = await limiter._reserve(plan, NOTHING)
            await asyncio.sleep(0.002)
            reservation.free_slots()
            passed += 1
        return passed

    assert await asyncio.gather(*(caller(number) for number in range(40))) == [12] * 40


async def test_above_the_limit_exactly_the_rest_is_refused() -> None:
    limiter, plan = limited_to(Limits(concurrency=10))
    results = await asyncio.gather(*(limiter._reserve(plan, NOTHING) for _ in range(25)), return_exceptions=True)
    assert sum(isinstance(result, Reservation) for result in results) == 10
    assert sum(isinstance(result, RateLimitedError) for result in results) == 15
    for result in results:
        if isinstance(result, Reservation):
            result.free_slots()
    await asyncio.sleep(0.25)
    (await limiter._reserve(plan, NOTHING)).free_slots()
