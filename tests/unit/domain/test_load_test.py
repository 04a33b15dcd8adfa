"""Plans of load tests, percentiles, and a ceiling that is never passed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.load_test import read_plan
from domain.load_test import TIERS, Durations, LoadPlan, Spending, Tier


def test_a_tier_has_defaults_that_members_replace() -> None:
    plan, faults = read_plan({"tier": "heavy", "models": ["gpt"], "max_cost": "0.5"})
    assert faults == ()
    assert plan == LoadPlan(Tier.HEAVY, *TIERS[Tier.HEAVY], models=("gpt",), max_cost_units=5 * 10**11)
    body = {"duration_minutes": 2, "target_rps": 3.5, "providers": ["Azure"], "stream": False, "max_tokens": 9}
    plan, _ = read_plan(body)
    expected = LoadPlan(Tier.SMOKE, 3.5, 2, providers=("Azure",), stream=False, max_tokens=9)
    assert plan == expected


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ([], "object"),
        ({}, "models"),
        ({"models": ["x"], "tier": "huge"}, "tier"),
        ({"models": ["x"], "target_rps": 0}, "target_rps"),
        ({"models": ["x"], "max_cost": 0}, "max_cost"),
        ({"models": ["x"], "max_costs": 1}, "did you mean 'max_cost'?"),
    ],
)
def test_a_mistake_starts_nothing(body: object, wrong: str) -> None:
    plan, faults = read_plan(body)
    assert plan is None
    assert wrong in str(faults[0])


def test_calls_are_due_at_the_rate_until_the_end() -> None:
    plan = LoadPlan(Tier.SMOKE, 2.5, 1)
    assert [plan.begun_by(seconds) for seconds in (0, 0.3, 0.4, 10, 60, 90)] == [0, 0, 1, 25, 150, 150]


@given(st.lists(st.floats(0.0001, 1000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_one_percent_off_at_most(seconds: list[float], share: float) -> None:
    durations = Durations()
    for each in seconds:
        durations.add(each)
    exact = sorted(seconds)[math.ceil(len(seconds) * share) - 1]
    found = durations.percentile(share)
    assert found is not None
    assert exact <= found * (1 + 1e-9) <= exact * 1.0101
    assert Durations().percentile(share) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=100), st.integers(0, 200))
def test_the_ceiling_is_never_passed(calls: list[tuple[int, int]], ceiling: int) -> None:
    spending = Spending(ceiling)
    under_way: list[tuple[int, int]] = []
    for most, cost in calls:
        if spending.reserve(most):
            under_way.append((most, min(cost, most)))
        if len(under_way) > 3:
            spending.settle(*under_way.pop(0))
        assert spending.spent <= ceiling
    for call in under_way:
        spending.settle(*call)
    assert spending.spent <= ceiling
