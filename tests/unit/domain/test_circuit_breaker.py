from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.circuit_breaker import Breaker, BreakerPolicy, BreakerState

POLICY = BreakerPolicy(threshold=5, timeout=60, longest_timeout=600, trial_calls=3)


def failures(count: int, breaker: Breaker = Breaker(), *, now: float = 1000.0) -> Breaker:  # noqa: B008 - immutable
    for _ in range(count):
        breaker = breaker.failed(now, POLICY)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    assert failures(4).state(1000) is BreakerState.CLOSED
    assert failures(5).state(1000) is BreakerState.OPEN
    interrupted = failures(4, failures(4).succeeded(1000))
    assert interrupted.state(1000) is BreakerState.CLOSED


def test_half_of_a_busy_minute_opens_it_without_five_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(9):
        breaker = breaker.failed(1000, POLICY).succeeded(1000)
    assert breaker.state(1000) is BreakerState.CLOSED, "18 calls are too few to say anything"
    assert breaker.succeeded(1000).failed(1000, POLICY).state(1000) is BreakerState.OPEN


def test_old_failures_do_not_count_towards_the_share() -> None:
    breaker = Breaker()
    for minute in range(60):
        for _ in range(3):
            breaker = breaker.failed(minute * 70.0, POLICY).succeeded(minute * 70.0)
    assert breaker.state(4200) is BreakerState.CLOSED


def test_it_is_open_for_the_timeout_then_lets_a_few_calls_through() -> None:
    breaker = failures(5)
    assert not breaker.allows(1059.9, POLICY)
    for _ in range(3):
        assert breaker.allows(1060, POLICY)
        breaker = breaker.started(1060)
    assert not breaker.allows(1060, POLICY)
    assert breaker.abandoned().allows(1060, POLICY), "a caller who disconnects makes room for another trial"
    assert breaker.succeeded(1061) == Breaker(last_failure=1000)


def test_each_failed_trial_doubles_the_time_up_to_the_longest() -> None:
    breaker, now, waited = failures(5), 1000.0, []
    for _ in range(6):
        assert breaker.open_until is not None
        waited.append(breaker.open_until - now)
        now = breaker.open_until
        breaker = breaker.started(now).failed(now, POLICY)
    assert waited == [60, 120, 240, 480, 600, 600]


def test_calls_that_began_before_it_opened_neither_close_nor_prolong_it() -> None:
    breaker = failures(5)
    assert breaker.succeeded(1010) == breaker
    assert breaker.failed(1010, POLICY).open_until == breaker.open_until


def test_an_announced_rate_limit_rests_the_deployment_for_just_that_long() -> None:
    breaker = Breaker().rested(1007)
    assert not breaker.allows(1006.9, POLICY)
    assert breaker.allows(1007, POLICY)
    assert breaker.state(1000) is BreakerState.CLOSED
    assert breaker.rested(1002).resting_until == 1007, "a shorter one does not cut the longer one off"


@given(st.lists(st.sampled_from(["failed", "succeeded", "started", "abandoned"])), st.floats(0, 1e6))
def test_it_always_lets_calls_through_again(events: list[str], step: float) -> None:
    breaker, now = Breaker(), 0.0
    for event in events:
        now += step
        match event:
            case "failed":
                breaker = breaker.failed(now, POLICY)
            case "succeeded":
                breaker = breaker.succeeded(now)
            case "started":
                breaker = breaker.started(now) if breaker.allows(now, POLICY) else breaker
            case _:
                breaker = breaker.abandoned()
    later = now + POLICY.longest_timeout
    assert breaker.allows(later, POLICY) or breaker.trials == POLICY.trial_calls


class Calls(RuleBasedStateMachine):
    """Any interleaving of calls that end well, badly, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 0.0
        self.under_way = 0
        self.trials = 0

    @rule(seconds=st.floats(0, 700))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.breaker.allows(self.now, POLICY))
    @rule()
    def start(self) -> None:
        self.trials += self.breaker.state(self.now) is BreakerState.HALF_OPEN
        self.breaker = self.breaker.started(self.now)
        self.under_way += 1

    @precondition(lambda self: self.under_way > 0)
    @rule(end=st.sampled_from(["failed", "succeeded", "abandoned", "rested"]))
    def end(self, end: str) -> None:
        self.under_way -= 1
        before = self.breaker.state(self.now)
        match end:
            case "failed":
                self.breaker = self.breaker.failed(self.now, POLICY)
            case "succeeded":
                self.breaker = self.breaker.succeeded(self.now)
                assert before is BreakerState.OPEN or self.breaker.state(self.now) is BreakerState.CLOSED
            case "abandoned":
                self.breaker = self.breaker.abandoned()
            case _:
                self.breaker = self.breaker.rested(self.now + 5)

    @invariant()
    def at_most_the_allowed_trials_are_under_way(self) -> None:
        assert 0 <= self.breaker.trials <= POLICY.trial_calls

    @invariant()
    def it_is_never_shut_for_longer_than_promised(self) -> None:
        if self.breaker.open_until is not None:
            assert self.breaker.open_until <= self.now + POLICY.longest_timeout


TestCalls = Calls.TestCase
