"""Health of deployments: probes by servers and by a worker of its own, and the pages that show it to operators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import Running, llmproxy, wait_until

NOBODY = "http://127.0.0.1:9/v1"
ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
PATHS = ("/health/providers", "/providers", "/status", "/v1/status", "/status/Local")
OTHERS = ("/check", "/cache/clear")


def probed(code: str, endpoint: str, probe: str = "models", interval: float = 1, **over: object) -> dict[str, object]:
    return upstream(code, endpoint, health={"probe": probe, "interval": interval}, **over)


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    """Run a server with three kinds of probes, and a deployment whose upstream does not run."""
    made = LLMProxy(
        tmp_path_factory.mktemp("health"),
        probed("listed", simulator.url),
        probed("chatting", simulator.url, "chat", 3600),
        probed("connected", simulator.url, "tcp"),
        probed("down", NOBODY, provider="Elsewhere"),
        simulated("unprobed", provider="Built-in"),
        simulated("no-secret", provider="Elsewhere", model_type="OpenAI", parameters={"secret_name": "NO_SUCH_SECRET"}),
    )
    yield made
    made.stop()


def get(proxy: LLMProxy, path: str, method: str = "GET", **request: Any) -> Any:
    answer = httpx.request(method, proxy.url + path, headers=ADMIN, timeout=30, **request)
    return answer.raise_for_status().json()


def deployments(proxy: LLMProxy) -> dict[str, Any]:
    providers = get(proxy, "/health/providers")["providers"].values()
    return {each["id"]: each for provider in providers for each in provider["deployments"]}


def test_probes_find_what_is_down_and_every_page_tells(proxies: LLMProxy) -> None:
    probed_now = {"listed", "chatting", "connected", "down"}
    wait_until(lambda: all(deployments(proxies)[each]["last_check"] for each in probed_now), 30, "the first probes")
    found = deployments(proxies)
    assert {each: found[each]["status"] for each in found} == {
        "listed": "healthy",
        "chatting": "healthy",
        "connected": "healthy",
        "down": "unhealthy",
        "unprobed": "healthy",
        "no-secret": "unhealthy",
    }
    assert found["no-secret"]["error"] == "model_unavailable"
    assert found["down"]["error"] == "upstream_unreachable"
    assert found["unprobed"]["last_check"] is None
    assert found["listed"]["response_time"] > 0

    everything = get(proxies, "/health/providers")
    assert everything["status"] == "degraded"
    assert {"total": 3, "healthy": 2, "degraded": 0, "unhealthy": 1}.items() <= everything.items()
    assert everything["timestamp"] > found["listed"]["last_check"]
    assert everything["uptime"] > 0
    rows = {row["name"]: row for row in get(proxies, "/providers")["providers"]}
    assert rows["Local"]["models"] == ["chatting", "connected", "listed"]
    assert rows["Elsewhere"]["status"] == "unhealthy"
    for path in ("/status", "/v1/status"):
        status = get(proxies, path)
        assert status["components"] == {"Local": "healthy", "Elsewhere": "unhealthy", "Built-in": "healthy"}
        assert status["models"]["down"] == "unhealthy"
    for name in ("Elsewhere", "elsewhere", "down"):
        assert "down" in {each["id"] for each in get(proxies, f"/status/{name}")["deployments"]}
    detailed = proxies.health()
    counts = {"total": 3, "healthy": 2, "degraded": 0, "unhealthy": 1, "failed_attempts": 0}
    assert detailed["providers"] == {"status": "degraded", **counts}


def probes_in_the_ledger(proxy: LLMProxy) -> list[dict[str, Any]]:
    """Return what probes cost, by model."""
    return proxy.usage("model", "--project", "health-probes")


def test_what_probes_cost_is_in_the_ledger(proxies: LLMProxy) -> None:
    wait_until(lambda: probes_in_the_ledger(proxies), 30, "the line of the probe")
    assert {row["model"] for row in probes_in_the_ledger(proxies)} == {"chatting"}
    assert all(float(row["cost"]) > 0 for row in probes_in_the_ledger(proxies))


def test_a_failing_probe_opens_the_breaker_before_a_caller_suffers(proxies: LLMProxy) -> None:
    wait_until(lambda: deployments(proxies)["down"]["circuit_breaker"]["state"] == "open", 30, "the open breaker")
    breaker = deployments(proxies)["down"]["circuit_breaker"]
    assert breaker["failure_count"] >= 5
    assert breaker["last_failure_time"]


def test_only_the_administrator_sees_them(proxies: LLMProxy) -> None:
    for path in PATHS:
        for headers in ({}, {"api-key": proxies.key}):
            answer = httpx.get(proxies.url + path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key"), path
    for path in OTHERS:
        assert httpx.post(proxies.url + path, headers={"api-key": proxies.key}).status_code == 401
    assert httpx.get(f"{proxies.url}/health").json().keys() == {"status", "version"}
    counts = httpx.get(f"{proxies.url}/health?detailed=true").json()["providers"]
    assert counts.keys() == {"status", "total", "healthy", "degraded", "unhealthy", "failed_attempts"}
    missing = httpx.get(f"{proxies.url}/status/nothing", headers=ADMIN)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_url")


def test_check_probes_now_and_clear_forgets(proxies: LLMProxy) -> None:
    before = deployments(proxies)["chatting"]["last_check"]
    checked = get(proxies, "/check", "POST", json={"name": "chatting"})
    assert [each["id"] for each in checked["deployments"]] == ["chatting"]
    assert checked["deployments"][0]["last_check"] > (before or "")
    assert get(proxies, "/check", "POST")["providers"]["Built-in"]["deployments"][0]["last_check"]
    assert get(proxies, "/cache/clear", "POST")["cleared"] >= 5
    assert deployments(proxies)["unprobed"]["last_check"] is None
    assert httpx.post(f"{proxies.url}/check", headers=ADMIN, json={"name": "nothing"}).status_code == 404


def test_a_health_worker_probes_for_the_servers(tmp_path: Path) -> None:
    simulator = Simulator()
    documents = (probed("up", simulator.url), probed("down", NOBODY), probed("chat", simulator.url, "chat", 3600))
    proxy = LLMProxy(tmp_path, *documents)
    try:
        proxy.stop()
        once = llmproxy("health-worker", "--once", env=proxy.env, check=False)
        assert once.returncode == 1
        assert "down: upstream_unreachable" in once.stdout
        assert "up: available" in once.stdout
        assert [row["model"] for row in probes_in_the_ledger(proxy)] == ["chat"]
        worker = Running("health-worker", env=proxy.env, ready=r"health worker (started)")
        try:
            proxy.start()
            wait_until(lambda: deployments(proxy)["down"]["status"] == "unhealthy", 30, "the shared result")
            # The server shows newer and newer results, all of them from the worker.
            seen = set[str]()

            def several() -> bool:
                seen.add(deployments(proxy)["up"]["last_check"])
                return len(seen) >= 2

            wait_until(several, 60, "newer results")
        finally:
            assert worker.stop() == 0
        # Without the worker the server probes by itself.
        last = deployments(proxy)["up"]["last_check"]
        wait_until(lambda: deployments(proxy)["up"]["last_check"] > last, 30, "a probe of the server's own")
    finally:
        proxy.stop()
        simulator.stop()
