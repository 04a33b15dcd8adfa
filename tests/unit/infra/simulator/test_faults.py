"""Orders in a request, and the server's own."""

from typing import Any

import pytest

from infra.simulator.errors import SimulatedError
from infra.simulator.faults import Faults, SimulatorOptions, read_faults

SLOW = Faults(ttft=2, tps=10, status=500)


def test_a_request_overrides_the_defaults() -> None:
    assert read_faults(None, SLOW) is SLOW
    assert read_faults({}, SLOW) == SLOW
    assert read_faults({"ttft": 1, "status": None, "cut_after": 3}, SLOW) == Faults(ttft=1, tps=10, cut_after=3)


@pytest.mark.parametrize(
    ("orders", "param"),
    [
        ("fast", "simulator"),
        ([], "simulator"),
        ({"speed": 1}, "simulator.speed"),
        ({"ttft": "1"}, "simulator.ttft"),
        ({"ttft": -1}, "simulator.ttft"),
        ({"ttft": None}, "simulator.ttft"),
        ({"ttft": True}, "simulator.ttft"),
        ({"tps": 0}, "simulator.tps"),
        ({"status": 200}, "simulator.status"),
        ({"status": 500.5}, "simulator.status"),
        ({"tokens": 1_000_001}, "simulator.tokens"),
        ({"cut_after": -1}, "simulator.cut_after"),
        ({"malformed": 1}, "simulator.malformed"),
        ({"code": 5}, "simulator.code"),
    ],
)
def test_invalid_faults_are_rejected(orders: Any, param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        read_faults(orders, Faults())
    assert (caught.value.status, caught.value.param) == (400, param)


def test_the_pace() -> None:
    assert [Faults(ttft=2, tps=10).due(tokens) for tokens in (0, 1, 20)] == [2, 2.1, 4]
    assert Faults(ttft=2).due(1000) == 2


def failing(options: SimulatorOptions, calls: int) -> list[int]:
    return [number for number in range(1, calls + 1) if options.faults(number).failure()]


def test_failing_calls_are_spread_evenly() -> None:
    assert failing(SimulatorOptions(error_rate=0.25), 12) == [4, 8, 12]
    assert failing(SimulatorOptions(error_rate=1 / 3), 9) == [3, 6, 9]
    assert len(failing(SimulatorOptions(error_rate=0.1), 1000)) == 100
    assert failing(SimulatorOptions(error_rate=1), 3) == [1, 2, 3]
    assert failing(SimulatorOptions(error_rate=0, status=503), 9) == []


def test_a_status_without_a_rate_fails_every_call() -> None:
    assert failing(SimulatorOptions(), 5) == []
    assert failing(SimulatorOptions(status=429), 3) == [1, 2, 3]
    failure = SimulatorOptions(status=429, retry_after=7).faults(1).failure()
    assert failure is not None
    assert (failure.status, failure.code, failure.retry_after) == (429, "rate_limit_exceeded", 7)
    default = SimulatorOptions(error_rate=1).faults(1).failure()
    assert default is not None
    assert default.status == 500


def test_the_key_is_not_in_the_repr() -> None:
    assert "sk-secret" not in repr(SimulatorOptions(api_key="sk-secret"))
