"""Metrics as Prometheus scrapes them from the real server, alone and with several workers."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from openai import OpenAI
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import llmproxy, wait_until
from tests.tools import ROOT, require_tool

ADMIN = "admin-key-of-the-metrics-tests-0123456789"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("metrics"),
        simulated("sim"),
        upstream("failing", "http://127.0.0.1:1/v1", provider="Dead"),
        upstream("over", "http://127.0.0.1:1/v1") | {"id": "over-1", "provider": "Dead", "priority": 0},
        upstream("over", simulator.url) | {"id": "over-2", "priority": 1},
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(proxy: LLMProxy) -> OpenAI:
    return OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)


def scrape(url: str, **headers: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    answer = httpx.get(f"{url}/metrics", headers=headers).raise_for_status()
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def total(found: dict[str, dict[tuple[tuple[str, str], ...], float]], name: str, **labels: str) -> float:
    return sum(value for key, value in found.get(name, {}).items() if labels.items() <= dict(key).items())


def ask(client: OpenAI, model: str, count: int = 1) -> None:
    for _ in range(count):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])


def until_ready(url: str) -> None:
    """Wait until a worker accepts connections."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(httpx.ConnectError):
            httpx.get(f"{url}/health")
            return
        time.sleep(0.1)
    pytest.fail("no worker accepts connections")


def test_calls_errors_failovers_tokens_and_cost_are_counted(proxy: LLMProxy, client: OpenAI) -> None:
    ask(client, "sim", 3)
    ask(client, "over", 2)
    with pytest.raises(Exception, match="could not be reached"):
        ask(client, "failing")
    list(client.chat.completions.create(model="sim", messages=[{"role": "user", "content": "hi"}], stream=True))
    found = scrape(proxy.url)
    chat = {"endpoint": "ChatCompletion"}
    assert total(found, "llm_proxy_requests_total", provider="Simulator", status="200", **chat) == 4
    assert total(found, "llm_proxy_requests_total", provider="Dead") == 1
    assert total(found, "llm_requests_total", model="over", status="200") == 2
    assert total(found, "llm_proxy_failovers_total", model="over") == 2
    assert total(found, "llm_proxy_attempts_total", model="over") == 4
    assert total(found, "llm_proxy_errors_total", provider="Dead", error_type="upstream_unreachable") == 1
    assert total(found, "llm_proxy_time_to_first_byte_seconds_count", model="sim") == 4
    assert total(found, "http_requests_total", endpoint="/v1/chat/completions", status_code="200", method="POST") == 6
    assert total(found, "http_requests_total", endpoint="/v1/chat/completions", status_code="502") == 1
    time.sleep(1)
    report = {row["project"]: row for row in proxy.usage()}["tests"]
    assert total(found, "llm_proxy_input_tokens_total") == report["input_tokens"]
    assert total(found, "llm_tokens_total") == report["input_tokens"] + report["output_tokens"]
    cost = total(found, "llm_proxy_cost_total", currency="USD", project="tests")
    assert cost == pytest.approx(float(Decimal(report["cost"])))


def test_what_callers_make_up_adds_no_series(proxy: LLMProxy, client: OpenAI) -> None:
    for number in range(20):
        with pytest.raises(Exception, match="does not exist"):
            ask(client, f"made-up-{number}")
        httpx.get(f"{proxy.url}/made/up/{number}")
    found = scrape(proxy.url)
    assert total(found, "http_requests_total", endpoint="other") >= 20
    text = httpx.get(f"{proxy.url}/metrics").text
    assert "made-up" not in text
    assert "/made/up" not in text
    assert proxy.key not in text


def test_gauges_of_the_present_moment(proxy: LLMProxy, client: OpenAI) -> None:
    for _ in range(5):
        with pytest.raises(Exception, match="could not be reached"):
            ask(client, "failing")
    found = scrape(proxy.url)
    assert total(found, "llm_proxy_circuit_breaker_state", provider="Dead") == 2
    assert total(found, "llm_proxy_circuit_breaker_state", provider="Simulator") == 0
    assert total(found, "llm_proxy_deployment_circuit_breaker_state", deployment="failing") == 2
    assert total(found, "llm_proxy_catalogue_documents") == 4
    assert found["llm_proxy_active_connections"]
    assert total(found, "llm_proxy_catalogue_age_seconds") < 30
    assert "process_resident_memory_bytes" in found


def test_the_summary_is_json_on_request(proxy: LLMProxy, client: OpenAI) -> None:
    ask(client, "sim")
    by_query = httpx.get(f"{proxy.url}/metrics?format=json").json()
    by_header = httpx.get(f"{proxy.url}/metrics", headers={"accept": "application/json"}).json()
    assert by_query["providers"]["Simulator"].keys() == {"total_requests", "success_rate", "avg_response_time"}
    assert by_query["providers"]["Simulator"]["success_rate"] == 1
    assert by_header["providers"].keys() == by_query["providers"].keys()
    assert httpx.get(f"{proxy.url}/metrics/prometheus").headers["content-type"].startswith("text/plain")


def test_promtool_finds_nothing_to_object_to(proxy: LLMProxy, client: OpenAI) -> None:
    ask(client, "sim")
    text = httpx.get(f"{proxy.url}/metrics").text
    done = subprocess.run(  # noqa: S603 - a tool that the test asked for
        [require_tool("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    # promtool wants base units in names; rates and counts without a unit are what they are.
    complaints = [line for line in done.stderr.splitlines() if "python_info" not in line]
    assert complaints == []


def test_every_metric_is_described(proxy: LLMProxy, client: OpenAI) -> None:
    ask(client, "sim")
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    described = set(re.findall(r"`([a-z_]+)(?:\{[^}]*\})?`", page))
    families = text_string_to_metric_families(httpx.get(f"{proxy.url}/metrics").text)
    ours = {family.name for family in families if family.name.startswith(("llm", "http"))}
    names = {family.name for family in families if family.type == "counter"}
    assert {name for name in ours if name not in described and f"{name}_total" not in described} == set(), names


def test_workers_answer_for_all_of_them(tmp_path: Path) -> None:
    made = LLMProxy(tmp_path, simulated("sim"), options=("--workers", "2"))
    try:
        until_ready(made.url)
        with httpx.Client(headers={"connection": "close"}) as http:
            body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]}
            for _ in range(40):
                http.post(
                    f"{made.url}/v1/chat/completions", json=body, headers={"api-key": made.key}
                ).raise_for_status()
        time.sleep(2.5)
        assert {total(scrape(made.url, connection="close"), "llm_requests_total") for _ in range(8)} == {40}
    finally:
        made.stop()


def test_protected_metrics_need_the_administrators_key(tmp_path: Path) -> None:
    variables = {"LLMPROXY_METRICS_PROTECTED": "true", "LLMPROXY_ADMIN_KEY": ADMIN}
    made = LLMProxy(tmp_path, simulated("sim"), variables=variables)
    try:
        assert httpx.get(f"{made.url}/metrics").status_code == 401
        assert httpx.get(f"{made.url}/metrics/prometheus", headers={"api-key": made.key}).status_code == 401
        allowed = httpx.get(f"{made.url}/metrics", headers={"authorization": f"Bearer {ADMIN}"})
        assert allowed.status_code == 200
    finally:
        made.stop()


def test_a_port_of_its_own_for_all_workers(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = free.getsockname()[1]
    variables = {"LLMPROXY_METRICS_PORT": str(own), "LLMPROXY_METRICS_PROTECTED": "true", "LLMPROXY_ADMIN_KEY": ADMIN}
    proxy = LLMProxy(tmp_path, simulated("sim"), variables=variables, options=("--workers", "2"))
    try:
        until_ready(proxy.url)
        ask(OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0), "sim", 5)
        url, headers = f"http://127.0.0.1:{own}", {"api-key": ADMIN}
        wait_until(lambda: total(scrape(url, **headers), "llm_requests_total", model="sim") == 5, what="the calls")
        assert httpx.get(f"{url}/metrics").status_code == 401
        assert httpx.head(f"{url}/metrics/prometheus", headers={"api-key": ADMIN}).status_code == 200
        assert httpx.post(f"{url}/metrics", headers={"api-key": ADMIN}).status_code == 405
        assert httpx.get(f"{url}/health").status_code == 404
        assert httpx.get(f"{proxy.url}/metrics", headers={"api-key": ADMIN}).status_code == 404
        with socket.create_connection(("127.0.0.1", own), timeout=10) as rude:
            rude.sendall(b"GET /metrics HTTP/1.1\r\nx: " + b"y" * 100_000)
            with suppress(ConnectionError):
                assert rude.recv(1) == b""
        assert httpx.get(f"{url}/metrics", headers={"api-key": ADMIN}).status_code == 200
        other = proxy.env | {"LLMPROXY_METRICS_PORT": str(proxy.port)}
        taken = llmproxy("serve", "--port", "0", env=other, check=False)
        assert taken.returncode != 0
        assert f"LLMPROXY_METRICS_PORT: port {proxy.port}: Address already in use" in taken.stderr
    finally:
        proxy.stop()


def test_top_shows_what_happens_now(proxy: LLMProxy, client: OpenAI) -> None:
    seen = threading.Event()

    def call() -> None:
        while not seen.is_set():
            ask(client, "sim")

    calling = threading.Thread(target=call)
    calling.start()
    try:
        shown = json.loads(proxy.command("top", "--url", proxy.url, "--once", "--json", "--interval", "1"))
    finally:
        seen.set()
        calling.join()
    (model,) = [one for one in shown["models"] if one["model"] == "sim" and one["calls"] > 0]
    assert (model["provider"], model["failed"]) == ("Simulator", 0)
    assert 0 < model["first_byte_p50"] <= model["first_byte_p95"]
    assert model["tokens"] > 0
    assert [one["project"] for one in shown["projects"]] == ["tests"]
    table = proxy.command("top", "--url", proxy.url, "--once", "--interval", "0.2")
    assert table.splitlines()[0].split()[:3] == ["model", "provider", "calls/s"]
    unreachable = llmproxy("top", "--url", "http://127.0.0.1:1", env=proxy.env, check=False)
    assert (unreachable.returncode, "cannot be read" in unreachable.stderr) == (1, True)
