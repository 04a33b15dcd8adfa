"""Buckets and slots shared by many holders: what passes never exceeds what refills, whatever clocks and crashes do."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.rate_account import SLOT_MS, RateAccount, RateAsk, SlotAccount
from domain.rate_limit import Rate

HOLDERS = ("a", "b", "c")


class SharedBucket(RuleBasedStateMachine):
    """Three holders whose clocks differ take from one bucket, use what they took, put back, die and repeat writes."""

    @initialize(count=st.integers(1, 50), seconds=st.integers(1, 5), burst=st.integers(1, 60))
    def begin(self, count: int, seconds: int, burst: int) -> None:
        self.rate = Rate(count, seconds, burst)
        self.now = 1_000_000
        self.started = self.now
        self.skew = {"a": 0, "b": -3000, "c": 2500}
        self.account = RateAccount.full(self.rate, self.now)
        self.granted = dict.fromkeys(HOLDERS, 0)
        self.used = dict.fromkeys(HOLDERS, 0)
        self.passed = 0
        self.latest = self.now
        self.level_at = self.account.level_at_ms

    @rule(milliseconds=st.integers(0, 3000))
    def wait(self, milliseconds: int) -> None:
        self.now += milliseconds

    @rule(
        holder=st.sampled_from(HOLDERS),
        want=st.integers(0, 80),
        need=st.integers(0, 70),
        keep=st.integers(0, 5),
        twice=st.booleans(),
        over=st.integers(0, 10),
    )
    def turn(self, holder: str, want: int, need: int, keep: int, twice: bool, over: int) -> None:  # noqa: FBT001
        now = self.now + self.skew[holder]
        self.latest = max(self.latest, now)
        self.used[holder] += over  # more tokens than were reserved
        self.passed += over
        ask = RateAsk(self.used[holder], keep, want, need, self.granted[holder])
        for _ in range(2 if twice else 1):
            self.account.take(holder, self.rate, ask, len(HOLDERS), now)
        self.granted[holder] = self.account.slices[holder].granted
        assert self.account.level_at_ms >= self.level_at
        self.level_at = self.account.level_at_ms

    @rule(holder=st.sampled_from(HOLDERS), data=st.data())
    def use(self, holder: str, data: Any) -> None:
        left = self.granted[holder] - self.used[holder]
        if left > 0:
            used = data.draw(st.integers(0, left))
            self.used[holder] += used
            self.passed += used

    @invariant()
    def no_more_passes_than_refills(self) -> None:
        if not hasattr(self, "rate"):
            return
        unit = self.rate.seconds * 1000
        refilled = self.rate.capacity * unit + self.rate.count * (self.latest - self.started)
        owed = max(0, -self.account.level)
        beyond = sum(max(0, self.used[name] - self.granted[name]) for name in HOLDERS)
        assert (self.passed - beyond) * unit <= refilled + owed


TestSharedBucket = SharedBucket.TestCase
TestSharedBucket.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_one_holder_alone_is_an_exact_bucket() -> None:
    rate = Rate(600, 60, 10)
    account = RateAccount.full(rate, 0)
    used = 0
    for _ in range(10):
        assert account.take("a", rate, RateAsk(used, 0, 1, 1), 1, 0)
        used += 1
    assert not account.take("a", rate, RateAsk(used, 0, 1, 1), 1, 99)
    assert account.take("a", rate, RateAsk(used, 0, 1, 1), 1, 100)


def test_a_clock_that_is_set_back_takes_nothing_away_and_gives_nothing() -> None:
    rate = Rate(60, 60, 5)
    account = RateAccount.full(rate, 3_600_000)
    assert account.take("a", rate, RateAsk(0, 0, 5, 5), 1, 3_600_000)
    assert not account.take("a", rate, RateAsk(5, 0, 1, 1, 5), 1, 0)
    assert account.level_at_ms == 3_600_000
    assert account.take("a", rate, RateAsk(5, 0, 1, 1, 5), 1, 3_601_000)


@given(st.lists(st.tuples(st.sampled_from(HOLDERS), st.integers(0, 6), st.integers(0, 3)), max_size=40))
def test_slots_never_exceed_the_capacity_and_end_by_the_clock(turns: list[tuple[str, int, int]]) -> None:
    account, now = SlotAccount(), 0
    for holder, need, spare in turns:
        now += 500
        count = account.renew(holder, 8, need, spare, 3, now)
        assert count <= need + spare
        assert account.taken(now) <= 8
    assert account.renew("later", 8, 8, 0, 1, now + SLOT_MS + 1) == 8


def test_lowering_the_capacity_takes_no_slot_from_a_call_under_way() -> None:
    account = SlotAccount()
    assert account.renew("a", 5, 5, 0, 1, 0) == 5
    assert account.renew("a", 2, 5, 0, 1, 100) == 5
    assert account.renew("a", 2, 1, 0, 1, 200) == 1
