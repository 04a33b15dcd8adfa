"""Faults on purpose: what callers see of each, how they end, and where they are marked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import environment, llmproxy, llmproxy_json, wait_until
from tests.fakes.workers import workers_of

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    variables = {"LLMPROXY_CHAOS": "on", "LLMPROXY_RETRIES": "0", "LLMPROXY_CIRCUIT_BREAKER_THRESHOLD": "1000"}
    made = LLMProxy(
        tmp_path_factory.mktemp("chaos"),
        upstream("alone", simulator.url, provider="Alone"),
        upstream("pair", simulator.url, id="pair-1", provider="First"),
        upstream("pair", simulator.url, id="pair-2", provider="Second", priority=2),
        variables=variables,
    )
    yield made
    made.stop()


def control(proxy: LLMProxy, path: str, body: object = None) -> httpx.Response:
    return httpx.post(f"{proxy.url}/api/chaos/{path}", json=body, headers=ADMIN, timeout=30)


def state(proxy: LLMProxy) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{proxy.url}/api/chaos", headers=ADMIN).raise_for_status().json()
    return found


def call(proxy: LLMProxy, model: str, *, stream: bool = False, tokens: int = 60) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    body["simulator"] = {"tokens": tokens}
    headers = {"api-key": proxy.key}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30)


@pytest.fixture(autouse=True)
def stopped(proxy: LLMProxy) -> Iterator[None]:
    yield
    control(proxy, "stop")


def started(proxy: LLMProxy, *faults: dict[str, Any]) -> None:
    body = {"experiment_name": "test", "duration_minutes": 5, "faults": list(faults)}
    control(proxy, "start", body).raise_for_status()


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"type": "error", "error_code": 503}, 503, None),
        ({"type": "rate_limit", "duration_ms": 2000}, 429, None),
        ({"type": "timeout", "duration_ms": 10}, 504, "upstream_timeout"),
        ({"type": "network_failure"}, 502, "upstream_unreachable"),
        ({"type": "cut_stream"}, 502, "upstream_protocol"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_each_fault_reaches_the_caller_and_is_marked(
    proxy: LLMProxy, fault: dict[str, Any], status: int, code: str | None
) -> None:
    started(proxy, {"target": "Alone", **fault})
    answer = call(proxy, "alone")
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["error"]["code"] == code
    if status == 429:
        assert answer.headers["retry-after"] == "2"
    request_id = answer.headers["x-request-id"]
    wait_until(lambda: "injected on purpose" in ledger_of(proxy, request_id), 20, "the mark in the ledger")
    assert f"injected on purpose: {fault['type']}" in ledger_of(proxy, request_id)
    assert request_id in next(
        line for line in proxy.logs().splitlines() if "a fault is injected" in line and request_id in line
    )
    (found,) = state(proxy)["faults"]
    assert (found["type"], found["injected"]) == (fault["type"], 1)
    cost = json.loads(llmproxy("usage", "call", request_id, "--json", env=proxy.env).stdout)[0]["cost"]
    assert (float(cost) > 0) == (fault["type"] == "cut_stream")  # only there the upstream was called


def ledger_of(proxy: LLMProxy, request_id: str) -> str:
    return llmproxy("usage", "call", request_id, env=proxy.env, check=False).stdout


def test_a_cut_stream_ends_with_an_error_event(proxy: LLMProxy) -> None:
    started(proxy, {"type": "cut_stream", "target": "alone", "severity": "medium"})
    *_, last, end = call(proxy, "alone", stream=True).text.split("\n\n")
    assert '"error"' in last
    assert end == ""


def test_a_delay_only_delays(proxy: LLMProxy) -> None:
    started(proxy, {"type": "delay", "target": "*", "duration_ms": 300})
    before = time.monotonic()
    assert call(proxy, "alone").status_code == 200
    assert time.monotonic() - before >= 0.3


@pytest.mark.parametrize("kind", ["error", "rate_limit", "network_failure", "timeout"])
def test_callers_do_not_notice_where_another_deployment_serves(proxy: LLMProxy, kind: str) -> None:
    started(proxy, {"type": kind, "target": "First", "duration_ms": 10})
    answer = call(proxy, "pair", stream=True)
    assert answer.text.endswith("[DONE]\n\n")
    assert answer.headers["x-llmproxy-deployment"] == "pair-2"
    control(proxy, "stop").raise_for_status()


def test_an_experiment_ends_by_itself_and_mistakes_start_none(proxy: LLMProxy) -> None:
    refused = control(proxy, "start", {"faults": [{"type": "dely"}]})
    assert refused.status_code == 400
    assert "did you mean 'delay'?" in refused.json()["error"]["message"]
    body = {"experiment_name": "short", "duration_minutes": 0.02, "faults": [{"type": "error", "target": "alone"}]}
    assert control(proxy, "start", body).json()["running"]
    assert control(proxy, "start", body).status_code == 400
    wait_until(lambda: not state(proxy)["running"], 10, "the end")
    assert call(proxy, "alone").status_code == 200
    assert state(proxy)["experiment_name"] == "short"
    stranger = httpx.post(f"{proxy.url}/api/chaos/start", json=body, headers={"api-key": proxy.key})
    assert stranger.status_code == 401


def test_the_command_runs_an_experiment(proxy: LLMProxy, tmp_path: Path) -> None:
    file = tmp_path / "experiment.json"
    faults = [{"type": "error", "target": "nothing", "probability": 0.5}]
    file.write_text(json.dumps({"experiment_name": "by command", "duration_minutes": 0.01, "faults": faults}))
    done = llmproxy_json("chaos", "run", str(file), "--url", proxy.url, env=proxy.env)
    assert (done["experiment_name"], done["running"]) == ("by command", False)
    file.write_text('{"faults": [{"type": "x"}]}')
    wrong = llmproxy("chaos", "run", str(file), "--url", proxy.url, env=proxy.env, check=False)
    assert (wrong.returncode, "faults[0].type" in wrong.stderr) == (1, True)


def test_workers_share_an_experiment_and_its_end(tmp_path: Path) -> None:
    made = LLMProxy(tmp_path, simulated("sim"), variables={"LLMPROXY_CHAOS": "on"}, options=("--workers", "2"))
    try:
        wait_until(lambda: len(workers_of(made.running.pid)) == 2, 30, "both workers")
        started(made, {"type": "error", "target": "sim", "error_code": 418})

        def in_a_row(status: int) -> bool:
            return all(call(made, "sim").status_code == status for _ in range(12))

        wait_until(lambda: in_a_row(418), 20, "the fault in both workers")
        request_ids = {call(made, "sim").headers["x-request-id"] for _ in range(10)}
        assert len(request_ids) == 10

        def agree() -> bool:
            return bool(state(made)["injected"] == made.logs().count("a fault is injected"))

        wait_until(agree, 20, "the sum of both workers' counts")
        control(made, "stop").raise_for_status()
        wait_until(lambda: in_a_row(200), 20, "its end in both workers")
    finally:
        made.stop()


def test_nothing_is_injected_unless_it_is_allowed(server: LLMProxy, tmp_path: Path) -> None:
    assert control(server, "start", {"faults": [{"type": "error"}]}).json()["error"]["code"] == "chaos_disabled"
    assert state(server) == {"enabled": False, "running": False, "experiment_name": None, "faults": [], "injected": 0}
    env = environment(DATA_DIR=str(tmp_path), ENVIRONMENT="production", LLMPROXY_CHAOS="on")
    refused = llmproxy("serve", "--port", "0", env=env, check=False)
    assert refused.returncode == 1
    assert "LLMPROXY_CHAOS=on is refused" in refused.stderr


def test_faults_of_the_settings_are_injected_from_the_start(tmp_path: Path) -> None:
    engineering = {"chaos_engineering": {"enabled": True, "faults": [{"type": "error", "error_code": 500}]}}
    variables = {"LLMPROXY_CHAOS": "on", "LLMPROXY_CHAOS_ENGINEERING": json.dumps(engineering), "LLMPROXY_RETRIES": "0"}
    made = LLMProxy(tmp_path, simulated("sim"), variables=variables)
    try:
        assert call(made, "sim").status_code == 500
        assert state(made)["experiment_name"] == "settings"
    finally:
        made.stop()
