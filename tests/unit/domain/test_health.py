"""Health of deployments and groups, and the reader of ``health``."""

from __future__ import annotations

import pytest

from domain.circuit_breaker import Breaker, BreakerPolicy
from domain.documents.model import read_model
from domain.health import (
    PROBE_NOT_POSSIBLE,
    Condition,
    HealthProbe,
    ProbeKind,
    ProbeResult,
    combined,
    condition_of,
    counts,
)
from tests.fakes.llmproxy_server import simulated

HEALTHY, DEGRADED, UNHEALTHY = Condition.HEALTHY, Condition.DEGRADED, Condition.UNHEALTHY
POLICY = BreakerPolicy(threshold=2, timeout=10)
ONE_FAILURE = Breaker().failed(100, POLICY)
OPENED = ONE_FAILURE.failed(100, POLICY)


def result(error: str | None) -> ProbeResult:
    return ProbeResult("a", 0, 0, error)


@pytest.mark.parametrize(
    ("breaker", "now", "probe", "expected"),
    [
        (None, 0, None, HEALTHY),
        (None, 0, result(None), HEALTHY),
        (None, 0, result(PROBE_NOT_POSSIBLE), HEALTHY),
        (None, 0, result("upstream_timeout"), UNHEALTHY),
        (ONE_FAILURE, 100, result(None), DEGRADED),
        (ONE_FAILURE.succeeded(101), 101, None, HEALTHY),
        (OPENED, 109, result(None), UNHEALTHY),
        (OPENED, 111, None, DEGRADED),
        (Breaker().rested(50), 49, None, DEGRADED),
        (Breaker().rested(50), 51, None, HEALTHY),
    ],
)
def test_a_deployment(breaker: Breaker | None, now: float, probe: ProbeResult | None, expected: Condition) -> None:
    assert condition_of(breaker, now, probe) is expected
    assert condition_of(breaker, now, probe, usable=False) is UNHEALTHY


def test_a_group() -> None:
    assert combined([]) is HEALTHY
    assert combined([HEALTHY, HEALTHY]) is HEALTHY
    assert combined([HEALTHY, UNHEALTHY]) is DEGRADED
    assert combined([DEGRADED]) is DEGRADED
    assert combined([UNHEALTHY, UNHEALTHY]) is UNHEALTHY
    assert counts([HEALTHY, UNHEALTHY, UNHEALTHY]) == {"total": 3, "healthy": 1, "degraded": 0, "unhealthy": 2}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, HealthProbe(ProbeKind.MODELS, 60)),
        ({"probe": "chat", "interval": 5}, HealthProbe(ProbeKind.CHAT, 5)),
        ({"probe": "tcp", "interval": "30"}, HealthProbe(ProbeKind.TCP, 30)),
    ],
)
def test_the_probe_of_a_document(body: object, expected: HealthProbe) -> None:
    document, _ = read_model(simulated("sim", health=body))
    assert document is not None
    assert document.health == expected


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({"health": {"probe": "ping"}}, "health.probe"),
        ({"health": {"interval": 0}}, "health.interval"),
        ({"health": {"probe": "chat"}, "operations": ["embeddings"]}, "does not offer ChatCompletion"),
        ({"health": []}, "health"),
    ],
)
def test_a_wrong_probe_is_a_fault(over: dict[str, object], wrong: str) -> None:
    document, faults = read_model(simulated("sim", **over))
    assert document is None
    assert any(wrong in str(fault) for fault in faults)
