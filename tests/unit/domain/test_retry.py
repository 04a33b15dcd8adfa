from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import errors
from domain.retry import RetryBudget, RetryPolicy

POLICY = RetryPolicy()
BUSY = errors.UpstreamRefusedError(503, "busy")
chances = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    "error",
    [
        errors.UpstreamRefusedError(400, "no"),
        errors.UpstreamRefusedError(404, "no"),
        errors.UpstreamCredentialError(),
        errors.UpstreamQuotaError(),
        errors.UpstreamOperationError(),
        errors.UpstreamTimeoutError(),
    ],
)
def test_what_does_not_pass_with_time_is_not_repeated(error: errors.UpstreamError) -> None:
    assert POLICY.wait(error, 0, 0.0, 0.0) is None


@pytest.mark.parametrize(
    "error",
    [
        *(errors.UpstreamRefusedError(status, "no") for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)),
        errors.UpstreamUnreachableError(),
        errors.UpstreamProtocolError(),
    ],
)
def test_what_passes_with_time_is_repeated(error: errors.UpstreamError) -> None:
    assert POLICY.wait(error, 0, 0.0, 0.0) == 0.0


@given(st.integers(0, 20), chances)
def test_the_bound_of_the_wait_doubles_and_chance_chooses_below_it(retries: int, chance: float) -> None:
    policy = RetryPolicy(most=20, within=1e9)
    seconds = policy.wait(BUSY, retries, 0.0, chance)
    if retries == policy.most:
        assert seconds is None
    else:
        assert seconds is not None
        assert 0 <= seconds <= min(0.5 * 2**retries, 2.0)
        assert seconds == pytest.approx(chance * min(0.5 * 2**retries, 2.0))


@given(st.floats(0, 100), st.integers(0, 3), st.floats(0, 60), chances)
def test_no_retry_begins_before_retry_after_or_too_late(
    asked: float, retries: int, elapsed: float, chance: float
) -> None:
    error = errors.UpstreamRefusedError(429, "slow down", retry_after=asked)
    seconds = POLICY.wait(error, retries, elapsed, chance)
    if seconds is None:
        assert retries >= POLICY.most or asked > POLICY.longest or elapsed + asked + POLICY.base > POLICY.within
    else:
        assert asked <= seconds <= asked + POLICY.base
        assert elapsed + seconds <= POLICY.within


Step = tuple[float, int, bool]
steps = st.lists(st.tuples(st.floats(0, 40), st.integers(0, 100), st.booleans()), max_size=120)


@given(steps)
def test_granted_retries_are_a_share_of_recent_calls_or_a_few_a_minute(taken: list[Step]) -> None:
    budget, now, calls = RetryBudget(), 0.0, 0
    called: list[tuple[float, int]] = []
    granted: list[float] = []
    for seconds, more, asks in taken:
        now += seconds
        calls += more
        called.append((now, more))
        if not asks:
            continue
        recent = sum(count for when, count in called if when > now - 60)
        few = sum(when > now - 61 for when in granted) < POLICY.least
        budget, yes = budget.spend(now, calls, POLICY)
        assert yes or not few, "a few are allowed however few calls there are"
        if yes:
            granted.append(now)
            assert sum(when > now - 60 for when in granted) <= max(POLICY.least, recent // 5)
        assert len(budget.seconds) <= 62


def test_a_busy_deployment_has_a_fifth_of_its_calls_as_retries() -> None:
    budget, granted = RetryBudget(), 0
    for call in range(1, 6001):  # every one of a hundred calls a second fails
        budget, yes = budget.spend(call / 100, call, POLICY)
        granted += yes
    assert 1150 <= granted <= 1200
