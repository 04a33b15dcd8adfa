"""Slices are renewed before they are empty: simulated hours of calls, of which next to none waits for the store."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from application.serving.ledger import Clock
from application.serving.limit_plans import LimitPlans
from application.serving.limits.estimate import Estimate
from application.serving.limits.holds import BudgetHold
from application.serving.limits.lease_exchange import LeaseExchange
from application.serving.limits.lease_holder import TICK_S, LeaseHolder
from application.serving.limits.plan import Hold, LimitPlan
from domain.budget import Budget, Period
from domain.leases import Leases
from domain.money import Money
from domain.project import Caller
from domain.rate_limit import NO_LIMITS, Limits
from domain.usage import Usage
from infra.in_flight.memory import MemoryInFlight
from infra.lease_store.memory import MemoryLeaseStore
from tests.builders import project

DOLLAR = 10**12
STORE_S = 0.05
"""Time that the store takes for a turn."""
START = 1_764_000_000.0
BUDGET = Budget(Money(Decimal(10_000), "USD"), Period.MONTH, id="month", strict=True)
PLENTY = Limits(rpm=60_000, tpm=600_000_000, concurrency=1000)


async def nothing_before(_subject: str, _hold: BudgetHold) -> int:
    return 0


@dataclass
class Process:
    """One server process in simulated time, and the store that it alone uses."""

    now: float = START
    turns: int = 0
    calls: int = 0
    waits: int = 0
    leases: Leases = field(default_factory=Leases)
    ends: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    back: list[tuple[float, LeaseExchange]] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = Clock(lambda: self.now, lambda: self.now)
        self.clock = clock
        self.record = MemoryInFlight("h")
        self.holder = LeaseHolder(MemoryLeaseStore(), self.record, nothing_before, clock, lambda _: None)

    def plan(self, **members: Any) -> LimitPlan:
        plans = LimitPlans(self.holder, self.clock, NO_LIMITS)
        plan = plans._make(Caller(project(**members), ""), "/v1/chat/completions", "sim", int(self.now * 1000))
        assert plan is not None
        return plan

    def turn(self, plan: LimitPlan) -> LeaseExchange:
        self.turns += 1
        exchange = LeaseExchange(plan.subject, "h", self.clock)
        for hold in plan.subject.budgets.values():
            hold.base = 0
        exchange = LeaseExchange(plan.subject, "h", self.clock)
        exchange.work(self.leases)
        return exchange

    def until(self, moment: float, plan: LimitPlan) -> None:
        """Let time pass: calls end, and turns are taken in the background."""
        while self.now < moment:
            self.now = min(self.now + TICK_S, moment)
            while self.ends and self.ends[0][0] <= self.now:
                heapq.heappop(self.ends)[2]()
            if self.back and self.back[0][0] <= self.now:
                self.back.pop()[1].apply(self.record)
            if not self.back and plan.subject.due(self.now):
                self.back.append((self.now + STORE_S, self.turn(plan)))

    def call(self, plan: LimitPlan, cost: int, seconds: float) -> None:
        estimate = Estimate(100, 100, {"USD": cost})
        self.calls += 1
        if [*plan.short(estimate, self.now)]:
            self.waits += 1
            while self.back:
                self.back.pop()[1].apply(self.record)
            holds: list[Hold] = [*plan.budgets, *plan.requests, *plan.tokens, *plan.slots]
            for hold in holds:
                hold.waiting.append(cost if isinstance(hold, BudgetHold) else 1)
            exchange = self.turn(plan)
            for hold in holds:
                hold.waiting.pop()
            exchange.apply(self.record)
            assert not [*plan.short(estimate, self.now)]
        reservation = plan.take(estimate)
        usage = Usage(input_tokens=80, output_tokens=50)
        end = lambda: reservation.settle(usage, cost * 2 // 3, "USD", reached=True)  # noqa: E731
        heapq.heappush(self.ends, (self.now + seconds, self.calls, end))


def steady(per_second: float, seconds: float) -> Iterator[float]:
    return (number / per_second for number in range(int(per_second * seconds)))


def rising(chance: random.Random) -> Iterator[float]:
    """Return arrivals whose rate doubles every ten seconds, from one a second to 128."""
    moment = 0.0
    while moment < 80:
        moment += chance.expovariate(2 ** (moment / 10))
        yield moment


def bursts(chance: random.Random) -> Iterator[float]:
    for number in range(150):
        yield from (number * 5 + chance.uniform(0, 0.2) for _ in range(20))


@pytest.mark.parametrize(
    "arrivals",
    [lambda _: steady(50, 120), rising, bursts, lambda _: (number * 20.0 for number in range(300))],
    ids=["steady", "rising", "bursts", "every 20 seconds"],
)
@pytest.mark.parametrize(
    "members", [{"budgets": (BUDGET,)}, {"limits": PLENTY}, {"budgets": (BUDGET,), "limits": PLENTY}], ids="-".join
)
def test_calls_hardly_ever_wait(members: dict[str, Any], arrivals: Callable[[random.Random], Iterator[float]]) -> None:
    """The first ones do, and a few where demand rises faster than it was seen to: one in a thousand, or six."""
    chance = random.Random(7)
    process = Process()
    plan = process.plan(**members)
    for moment in sorted(arrivals(chance)):
        process.until(START + moment, plan)
        process.call(plan, chance.randint(DOLLAR // 2000, DOLLAR // 1000), chance.uniform(0.1, 3))
    assert process.waits <= max(6, process.calls // 1000)


def test_rare_calls_do_not_wait_for_a_budget() -> None:
    process = Process()
    plan = process.plan(budgets=(BUDGET,))
    for number in range(200):
        process.until(START + 100.0 * number, plan)
        process.call(plan, DOLLAR // 1000, 1.0)
    assert process.waits == 1
    assert process.turns < 200 * 12


def test_an_idle_process_gives_everything_back_and_takes_no_more_turns() -> None:
    process = Process()
    plan = process.plan(budgets=(BUDGET,), limits=PLENTY)
    for moment in steady(20, 10):
        process.until(START + moment, plan)
        process.call(plan, DOLLAR // 1000, 1.0)
    process.until(process.now + 400, plan)
    assert [account.unspent for account in process.leases.budgets.values()] == [0]
    turns = process.turns
    process.until(process.now + 3600, plan)
    assert process.turns == turns
