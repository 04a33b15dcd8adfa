"""Load tests of the real server: rate, result, ceiling of cost, and their end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import llmproxy, llmproxy_json, wait_until
from tests.fakes.workers import workers_of

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
PRICES = {"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("load"),
        simulated("sim"),
        upstream("wire", simulator.url, provider="Wire"),
        upstream("unpriced", simulator.url, costs={}),
        upstream("euro", simulator.url, costs=PRICES | {"currency": "EUR"}),
        upstream("down", "http://127.0.0.1:9/v1"),
        simulated("private", private=True, projects=["tests"]),
    )
    yield made
    made.stop()


def start(proxy: LLMProxy, **plan: Any) -> httpx.Response:
    return httpx.post(f"{proxy.url}/api/load-test/start", json=plan, headers=ADMIN, timeout=30)


def state(proxy: LLMProxy, test_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{proxy.url}/api/load-test/{test_id}", headers=ADMIN).raise_for_status().json()
    return found


def finished(proxy: LLMProxy, **plan: Any) -> dict[str, Any]:
    test_id = start(proxy, **plan).raise_for_status().json()["test_id"]
    wait_until(lambda: state(proxy, test_id)["status"] != "running", 60, "the end of the test")
    return state(proxy, test_id)


@pytest.mark.parametrize("stream", [True, False])
def test_calls_come_at_the_rate_and_are_in_the_ledger(proxy: LLMProxy, stream: bool) -> None:  # noqa: FBT001 - a row
    before = spent(proxy)
    result = finished(proxy, models=["wire"], target_rps=30, duration_minutes=0.05, max_cost=1, stream=stream)
    assert (result["status"], result["calls"], result["succeeded"], result["failed"]) == ("finished", 90, 90, 0)
    assert result["progress"] == 1
    assert 0 < result["first_byte_ms"]["p50"] <= result["latency_ms"]["p99"] <= result["latency_ms"]["max"]
    assert result["output_tokens"] > 0
    wait_until(lambda: spent(proxy) - before == Decimal(result["cost"]), 20, "the same cost in the ledger")


def spent(proxy: LLMProxy) -> Decimal:
    rows = {row["project"]: Decimal(row["cost"]) for row in proxy.usage("project")}
    return rows.get("load-test", Decimal(0))


def test_the_ceiling_of_cost_ends_a_test_and_is_not_passed(proxy: LLMProxy) -> None:
    result = finished(proxy, models=["wire"], target_rps=100, duration_minutes=1, max_cost="0.02", max_tokens=64)
    assert result["status"] == "max_cost_reached"
    assert 0 < Decimal(result["cost"]) <= Decimal("0.02")
    assert result["failed"] == 0
    assert result["calls"] == result["succeeded"]


def test_failures_are_counted_by_code(proxy: LLMProxy) -> None:
    result = finished(proxy, models=["down"], target_rps=20, duration_minutes=0.02, max_cost=1)
    assert result["failed"] == result["calls"] > 0
    assert result["errors"] == {"upstream_unreachable": result["failed"]}
    assert Decimal(result["cost"]) == 0


@pytest.mark.parametrize(
    ("plan", "param"),
    [
        ({"models": ["wire"]}, "max_cost"),
        ({"models": ["nothing"], "max_cost": 1}, "models"),
        ({"models": ["unpriced"], "max_cost": 1}, "models"),
        ({"models": ["wire", "euro"], "max_cost": 1}, "models"),
        ({"models": ["private"]}, "models"),
        ({"models": ["sim"], "project": "nothing"}, "project"),
        ({"providers": ["Nobody"]}, "providers"),
        ({"models": ["sim"], "target_rp": 5}, "target_rp"),
    ],
)
def test_what_cannot_be_tested_is_refused(proxy: LLMProxy, plan: dict[str, Any], param: str) -> None:
    answer = start(proxy, **plan)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_a_test_can_be_stopped_and_only_one_runs_at_a_time(proxy: LLMProxy) -> None:
    begun = start(proxy, models=["sim"], tier="light", project="tests").raise_for_status().json()
    assert (begun["status"], begun["target_rps"], begun["duration_minutes"]) == ("running", 5, 5)
    assert start(proxy, models=["sim"]).status_code == 400
    wait_until(lambda: state(proxy, begun["test_id"])["calls"] > 0, 20, "the first call")
    httpx.post(f"{proxy.url}/api/load-test/{begun['test_id']}/stop", headers=ADMIN).raise_for_status()
    wait_until(lambda: state(proxy, begun["test_id"])["status"] == "stopped", 20, "the end")
    assert state(proxy, begun["test_id"])["elapsed_seconds"] < 60
    wait_until(lambda: start(proxy, providers=["simulator"], duration_minutes=0.01).is_success, 10, "the next test")
    for path in ("lt-000000000000", "..%2Fcatalog"):
        assert httpx.get(f"{proxy.url}/api/load-test/{path}", headers=ADMIN).status_code == 404
    assert httpx.get(f"{proxy.url}/api/load-test/{begun['test_id']}").status_code == 401


def test_the_command_shows_progress_and_result(proxy: LLMProxy) -> None:
    options = ("--rps", "20", "--minutes", "0.03", "--url", proxy.url)

    def run() -> bool:
        done = llmproxy("load-test", "--model", "wire", "--max-cost", "1", *options, env=proxy.env, check=False)
        return done.returncode == 0 and "finished: 36 calls" in done.stdout and "p95" in done.stderr

    wait_until(run, 30, "a test after those of other tests")
    result = llmproxy_json("load-test", "--model", "sim", "--whole", *options, env=proxy.env)
    assert (result["status"], result["succeeded"]) == ("finished", 36)
    refused = llmproxy("load-test", "--model", "wire", *options, env=proxy.env, check=False)
    assert (refused.returncode, "max_cost" in refused.stderr) == (1, True)


def test_any_worker_shows_and_stops_a_test(tmp_path: Path) -> None:
    made = LLMProxy(tmp_path, simulated("sim"), options=("--workers", "2"))
    try:
        wait_until(lambda: len(workers_of(made.running.pid)) == 2, 30, "both workers")
        test_id = start(made, models=["sim"], target_rps=5, duration_minutes=5).raise_for_status().json()["test_id"]
        for _ in range(12):
            assert state(made, test_id)["status"] == "running"
        httpx.post(f"{made.url}/api/load-test/{test_id}/stop", headers=ADMIN).raise_for_status()
        wait_until(lambda: state(made, test_id)["status"] == "stopped", 20, "the end")
    finally:
        made.stop()
