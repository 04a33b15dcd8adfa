"""Nothing is granted twice and nothing spent is lost, in any interleaving of holders that live, die and come back."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from domain.budget_account import BudgetAccount
from domain.leases import Leases

KEY = "month-USD|2026-11@UTC"
AMOUNT = 1000


@dataclass
class Holder:
    """A process with a strict budget: it reserves before it spends, and never spends more than it reserved."""

    name: str
    granted: int = 0
    spent: int = 0
    known: int = 0
    reserved: list[int] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.granted - self.spent - sum(self.reserved)


class Conservation(RuleBasedStateMachine):
    """A store whose answers may be lost, holders that die with calls under way, and an operator who edits."""

    holders = Bundle("holders")

    def __init__(self) -> None:
        super().__init__()
        self.leases = Leases(budgets={KEY: BudgetAccount(AMOUNT)})
        self.ledger = 0
        self.dead: list[Holder] = []
        self.alive: list[Holder] = []
        self.made = 0
        self.highest = AMOUNT
        self.now = 0

    @property
    def account(self) -> BudgetAccount:
        return self.leases.budgets[KEY]

    @rule(target=holders)
    def begin(self) -> Holder:
        self.made += 1
        holder = Holder(f"h{self.made}")
        self.alive.append(holder)
        return holder

    @rule(holder=holders, want=st.integers(0, 300), need=st.integers(0, 200), lost=st.booleans(), twice=st.booleans())
    def turn(self, holder: Holder, want: int, need: int, lost: bool, twice: bool) -> None:  # noqa: FBT001
        if holder not in self.alive:
            return
        self.now += 100
        for _ in range(2 if twice else 1):
            live = self.leases.seen(holder.name, self.now)
            self.account.report(holder.name, holder.spent, holder.known)
            self.account.grant(holder.name, want, need, live)
        if not lost:
            holder.granted = self.account.slices[holder.name].granted
            holder.known = holder.spent

    @rule(holder=holders, cost=st.integers(0, 120))
    def reserve(self, holder: Holder, cost: int) -> None:
        if holder in self.alive and cost <= holder.left:
            holder.reserved.append(cost)

    @rule(holder=holders, data=st.data())
    def settle(self, holder: Holder, data: Any) -> None:
        if holder in self.alive and holder.reserved:
            reserved = holder.reserved.pop(data.draw(st.integers(0, len(holder.reserved) - 1)))
            cost = data.draw(st.integers(0, reserved))
            holder.spent += cost
            self.ledger += cost

    @rule(holder=holders, keep=st.integers(0, 50), lost=st.booleans())
    def give_back(self, holder: Holder, keep: int, lost: bool) -> None:  # noqa: FBT001
        if holder not in self.alive:
            return
        # What it gives back it no longer counts on, before it says so.
        keep = max(keep, sum(holder.reserved))
        holder.granted = min(holder.granted, holder.spent + keep)
        self.account.report(holder.name, holder.spent, holder.known)
        self.account.give_back(holder.name, keep)
        if not lost:
            holder.granted = self.account.slices[holder.name].granted
            holder.known = holder.spent

    @rule(holder=consumes(holders))
    def die(self, holder: Holder) -> None:
        if holder in self.alive:
            self.alive.remove(holder)
            self.dead.append(holder)

    @precondition(lambda self: self.dead)
    @rule(data=st.data(), twice=st.booleans())
    def take_over(self, data: Any, twice: bool) -> None:  # noqa: FBT001
        """Let a sibling write a line for each call under way and report for the dead."""
        holder = self.dead.pop(data.draw(st.integers(0, len(self.dead) - 1)))
        for reserved in holder.reserved:
            holder.spent += reserved
            self.ledger += reserved
        holder.reserved.clear()
        for _ in range(2 if twice else 1):
            self.account.report(holder.name, holder.spent, holder.known)
            self.account.give_back(holder.name, 0)

    @rule(amount=st.integers(0, 2000))
    def edit(self, amount: int) -> None:
        before = copy.deepcopy(self.account)
        self.account.amount = amount
        self.highest = max(self.highest, amount)
        assert (self.account.settled, self.account.slices) == (before.settled, before.slices)

    @invariant()
    def the_amount_is_never_passed(self) -> None:
        under_way = sum(sum(holder.reserved) for holder in (*self.alive, *self.dead))
        assert self.ledger + under_way <= self.highest

    @invariant()
    def slices_never_exceed_what_is_left(self) -> None:
        assert self.account.settled + self.account.unspent <= self.highest

    @invariant()
    def holders_never_count_on_more_than_the_store_knows(self) -> None:
        for holder in (*self.alive, *self.dead):
            kept = self.account.slices.get(holder.name)
            assert holder.granted <= (kept.granted if kept else 0)

    def teardown(self) -> None:
        for holder in self.alive:
            self.ledger += sum(holder.reserved)
            holder.spent += sum(holder.reserved)
            holder.reserved.clear()
            self.account.report(holder.name, holder.spent, holder.known)
            self.account.give_back(holder.name, 0)
        while self.dead:
            holder = self.dead.pop()
            holder.spent += sum(holder.reserved)
            self.ledger += sum(holder.reserved)
            self.account.report(holder.name, holder.spent, holder.known)
            self.account.give_back(holder.name, 0)
        # At rest: what is settled is the sum of the ledger, to the last unit, and all the rest is free.
        assert self.account.settled == self.ledger
        assert self.account.free == self.account.amount - self.ledger


TestConservation = Conservation.TestCase
TestConservation.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_holder_whose_slice_was_written_off_is_shown_as_exposure() -> None:
    leases = Leases(budgets={KEY: BudgetAccount(AMOUNT)})
    account = leases.budgets[KEY]
    leases.seen("gone", 0)
    account.report("gone", 0)
    assert account.grant("gone", 400, 400, 1)
    account.report("gone", 100)
    assert leases.release("gone", 1000) == 300
    assert (account.settled, account.exposure, account.free) == (100, 300, 900)
    account.report("gone", 120, 100)  # it was not gone after all: what it spent counts, once
    assert account.settled == 120


def test_below_what_is_settled_nothing_is_granted_and_nothing_taken_back() -> None:
    account = BudgetAccount(AMOUNT)
    account.report("a", 0)
    assert account.grant("a", 600, 600, 1)
    account.report("a", 500)
    account.amount = 400
    assert account.slices["a"].unspent == 100
    account.report("b", 0)
    assert not account.grant("b", 10, 10, 2)
    assert account.grant("a", 10, 0, 2)
    assert account.slices["a"].unspent == 100
