"""Admission in one process, with many calls at once and a store that takes its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import pytest

from application.errors import StoreUnavailableError
from application.serving.ledger import Clock
from application.serving.limit_plans import LimitPlans
from application.serving.limiter import Limiter
from application.serving.limits.estimate import Estimate
from application.serving.limits.holds import BudgetHold
from application.serving.limits.lease_holder import LeaseHolder
from application.serving.limits.plan import NOTHING, LimitPlan, Reservation
from domain.budget import Budget, Period
from domain.errors import BudgetUnavailableError, RateLimitedError
from domain.leases import Leases
from domain.money import Money
from domain.project import Caller
from domain.rate_limit import NO_LIMITS, Limits
from domain.usage import Usage
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


class LostStore(MemoryLeaseStore):
    """A store that can be taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.asked = 0

    async def change(self, subject: str, work: Callable[[Leases], T]) -> T:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("made up")
        return await super().change(subject, work)


@dataclass
class Outage:
    """A process that has spent a little of a budget of 100 when the store is lost. Amounts in 10^-12."""

    strict: bool
    now: float = 1_764_000_000.0
    spent: int = 0

    def __post_init__(self) -> None:
        clock = Clock(lambda: self.now, lambda: self.now)
        self.store = LostStore()
        self.holder = LeaseHolder(self.store, MemoryInFlight("h"), nothing_before, clock, lambda _: None)
        budget = Budget(Money(Decimal(100), "USD"), Period.TOTAL, id="all", strict=self.strict)
        plans = LimitPlans(self.holder, clock, NO_LIMITS)
        plan = plans._make(Caller(project(budgets=(budget,)), ""), "/v1/chat/completions", "sim", int(self.now * 1000))
        assert plan is not None
        self.plan = plan
        self.limiter = Limiter(self.holder, plans, clock, Fraction(2, 100), lambda _: None)

    async def spend(self, reserved: int, cost: int) -> None:
        reservation = await self.limiter._reserve(self.plan, Estimate(1, 1, {"USD": reserved}))
        reservation.settle(Usage(input_tokens=1), cost, "USD", reached=True)
        self.spent += cost

    async def until_refused(self, reserved: int, cost: int) -> int:
        for passed in range(1000):
            try:
                await self.spend(reserved, cost)
            except BudgetUnavailableError:
                return passed
        raise AssertionError("nothing bounds this")

    async def slice(self) -> int:
        """Return what the store says that this process may spend in all."""
        leases = await self.store.read(self.plan.subject.name)
        return next(iter(leases.budgets.values())).slices["h"].granted


@pytest.mark.parametrize(("reserved", "cost"), [(10**11, 10**11), (10**11, 7 * 10**10), (3 * 10**11, 10**10)])
async def test_without_the_store_a_strict_budget_spends_its_slice_and_nothing_more(reserved: int, cost: int) -> None:
    outage = Outage(strict=True)
    await outage.spend(reserved, cost)
    outage.store.away = True
    granted = await outage.slice()
    assert await outage.until_refused(reserved, cost) >= 1
    for _ in range(20):
        outage.now += 10
        asked = outage.store.asked
        assert await outage.until_refused(reserved, cost) == 0
        assert outage.store.asked > asked
    assert outage.spent <= granted


@pytest.mark.parametrize(("reserved", "cost"), [(10**11, 10**11), (10**11, 7 * 10**10), (3 * 10**11, 10**10)])
async def test_without_the_store_a_hard_budget_is_exposed_once_however_long_it_lasts(reserved: int, cost: int) -> None:
    outage = Outage(strict=False)
    await outage.spend(reserved, cost)
    outage.store.away = True
    granted = await outage.slice()
    await outage.until_refused(reserved, cost)
    exposed = outage.spent - granted
    assert 2 * 10**12 - reserved < exposed <= 2 * 10**12
    for _ in range(20):
        outage.now += 10
        asked = outage.store.asked
        assert await outage.until_refused(reserved, cost) == 0
        assert outage.store.asked > asked
    outage.store.away = False
    outage.now += 10
    await outage.spend(reserved, cost)
    leases = await outage.store.read(outage.plan.subject.name)
    assert next(iter(leases.budgets.values())).settled == outage.spent - cost
