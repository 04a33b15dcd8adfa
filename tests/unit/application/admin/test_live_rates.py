from __future__ import annotations

import pytest

from application.admin.live_rates import MetricsReading, Sample, model_rates, project_rates, quantile

INFINITE = float("inf")


def calls(model: str, status: str, count: float) -> Sample:
    return "llm_requests_total", {"provider": "P", "model": model, "status": status}, count


def cost(project: str, model: str, amount: float) -> Sample:
    return "llm_proxy_cost_total", {"currency": "USD", "project": project, "model": model}, amount


def test_rates_are_what_happened_between_two_readings() -> None:
    before = MetricsReading([calls("a", "200", 10), calls("b", "200", 5)], 100.0)
    tokens: Sample = ("llm_tokens_total", {"provider": "P", "model": "a"}, 400)
    after = MetricsReading([calls("a", "200", 13), calls("a", "502", 1), calls("b", "200", 5), tokens], 102.0)
    first, second = model_rates(before, after)
    assert (first.model, first.calls, first.failed, first.tokens) == ("a", 2.0, 0.25, 200.0)
    assert (second.model, second.calls, second.failed, second.first_byte_p50) == ("b", 0.0, 0.0, None)


def test_a_server_that_was_started_anew_begins_at_zero() -> None:
    (found,) = model_rates(MetricsReading([calls("a", "200", 1000)], 0.0), MetricsReading([calls("a", "200", 4)], 2.0))
    assert found.calls == 2.0


def test_projects_are_ordered_by_what_they_spend() -> None:
    before = MetricsReading([cost("x", "a", 1), cost("y", "a", 1)], 0.0)
    after = MetricsReading([cost("x", "a", 1.5), cost("x", "b", 0.5), cost("y", "a", 3)], 3600.0)
    assert [(one.project, one.cost) for one in project_rates(before, after)] == [("y", 2.0), ("x", 1.0)]


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        ({}, 0.5, None),
        ({1.0: 0.0, INFINITE: 0.0}, 0.5, None),
        ({1.0: 10.0, 2.0: 10.0, INFINITE: 10.0}, 0.5, 0.5),
        ({1.0: 5.0, 2.0: 10.0, INFINITE: 10.0}, 0.95, 1.9),
        ({1.0: 0.0, 2.0: 0.0, INFINITE: 4.0}, 0.5, 2.0),
    ],
)
def test_quantiles(buckets: dict[float, float], share: float, expected: float | None) -> None:
    assert quantile(buckets, share) == (expected if expected is None else pytest.approx(expected))
