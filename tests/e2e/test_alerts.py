"""The alert rules and dashboards of ``deploy/``, evaluated by a real Prometheus over a real outage."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.tools import ROOT, require_tool

pytestmark = pytest.mark.slow

RULES = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
SHORTER = {"5m": "10s", "10m": "10s", "15m": "10s", "30m": "10s", "1h": "20s", "24h": "1m", "7d:20s": "1m:5s"}
"""Durations of the rules, and what the tests put in their place."""


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def shortened(text: str) -> str:
    for long, short in SHORTER.items():
        text = re.sub(rf"\b{long}\b", short, text)
    return text.replace("for: 10s", "for: 1s")


@contextmanager
def running(*command: str | Path) -> Iterator[None]:
    process = subprocess.Popen([str(each) for each in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def until(condition: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            found = condition()
            if found:
                return found
        time.sleep(0.5)
    pytest.fail("it did not happen in time")


class Receiver:
    """Receives what Alertmanager sends to a webhook."""

    def __init__(self) -> None:
        received: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.extend(json.loads(self.rfile.read(int(self.headers["content-length"])))["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
                """Log nothing."""

        self.alerts = received
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("alerts"),
        simulated("sim"),
        upstream("over", "http://127.0.0.1:1/v1", provider="Dead"),
        simulated("over") | {"id": "over-2", "priority": 1},
        upstream("failing", "http://127.0.0.1:1/v1", provider="Dead", id="failing"),
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, proxy: LLMProxy, receiver: Receiver
) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    folder = tmp_path_factory.mktemp("prometheus")
    own, alertmanager = port(), port()
    for name in ("prometheus.yml", "recording.yml", "alerts.yml"):
        (folder / name).write_text(shortened((RULES / name).read_text("utf-8")))
    config = (folder / "prometheus.yml").read_text()
    config = config.replace("15s", "1s").replace("10s", "1s").replace("llmproxy:8000", f"127.0.0.1:{proxy.port}")
    (folder / "prometheus.yml").write_text(config.replace("alertmanager:9093", f"127.0.0.1:{alertmanager}"))
    (folder / "alertmanager.yml").write_text(
        "route: {receiver: test, group_wait: 1s, group_interval: 1s}\n"  # alerts that join a group wait for the latter
        f"receivers: [{{name: test, webhook_configs: [{{url: '{receiver.url}'}}]}}]\n"
    )
    api = f"http://127.0.0.1:{own}/api/v1"

    def query(expression: str) -> list[dict[str, Any]]:
        answer = (
            httpx.get(f"{api}/query", params={"query": expression}).raise_for_status().json()
        )  # 503 while it starts
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    with (
        running(
            require_tool("prometheus-alertmanager"),
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{alertmanager}",
            "--cluster.listen-address=",
        ),
        running(
            require_tool("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{own}",
        ),
    ):
        until(lambda: query("up == 1"), 60)
        yield query


def calls(proxy: LLMProxy, seconds: float, *models: str) -> None:
    """Call the models again and again, plain and streamed."""
    deadline = time.monotonic() + seconds
    with httpx.Client(headers={"api-key": proxy.key}, timeout=10) as http:
        while time.monotonic() < deadline:
            for model in models:
                for stream in (False, True):
                    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi " * 20}]}
                    http.post(f"{proxy.url}/v1/chat/completions", json=body)
            refused(http, proxy.url)
            time.sleep(0.1)


def refused(http: httpx.Client, url: str) -> None:
    """Send requests that are refused, each for another reason."""
    http.post(f"{url}/v1/chat/completions", json={}, headers={"api-key": "sk-not-a-key"})
    http.post(f"{url}/v1/chat/completions", json={"model": "unknown", "messages": []})
    http.get(f"{url}/wp-login.php")
    http.get(f"{url}/debug/logs")


def test_rules_and_configurations_are_valid() -> None:
    for name in ("recording.yml", "alerts.yml"):
        subprocess.run([require_tool("promtool"), "check", "rules", RULES / name], check=True, capture_output=True)  # noqa: S603 - a tool
    subprocess.run(  # noqa: S603 - a tool
        [require_tool("amtool"), "check-config", ROOT / "deploy" / "alertmanager" / "alertmanager.yml"],
        check=True,
        capture_output=True,
    )


def test_every_alert_has_its_section_of_the_runbook() -> None:
    alerts = re.findall(r"- alert: (\w+)", (RULES / "alerts.yml").read_text("utf-8"))
    page = (ROOT / "docs" / "incidents.md").read_text("utf-8")
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == alerts
    assert re.findall(r"incidents\.md#(\w+)", (RULES / "alerts.yml").read_text("utf-8")) == [a.lower() for a in alerts]


def test_an_outage_of_a_provider_reaches_whoever_is_on_call(
    proxy: LLMProxy, prometheus: Callable[[str], list[dict[str, Any]]], receiver: Receiver
) -> None:
    calling = threading.Thread(target=calls, args=(proxy, 60, "sim", "over", "failing"))
    calling.start()
    try:
        firing = 'ALERTS{alertname="LLMProxyProviderFailing",alertstate="firing"}'
        found = until(lambda: prometheus(firing), 60)
        assert {alert["metric"]["provider"] for alert in found} == {"Dead"}
        until(lambda: prometheus('ALERTS{alertname="LLMProxyBreakerOpen",alertstate="firing"}'), 60)
        alert = until(lambda: [each for each in receiver.alerts if each["labels"].get("provider") == "Dead"], 60)[0]
        assert alert["annotations"]["runbook"] == "docs/incidents.md#llmproxyproviderfailing"
    finally:
        calling.join()


def test_every_panel_of_every_dashboard_shows_something(
    proxy: LLMProxy, prometheus: Callable[[str], list[dict[str, Any]]]
) -> None:
    calling = threading.Thread(target=calls, args=(proxy, 12, "sim", "over", "failing"))
    calling.start()
    calling.join()
    empty = [
        (path.stem, panel["title"])
        for path in DASHBOARDS
        for panel in json.loads(path.read_text("utf-8"))["panels"]
        for target in panel["targets"]
        if not prometheus(shortened(target["expr"]))
    ]
    assert empty == []


def test_dashboards_have_what_grafana_needs() -> None:
    assert {path.stem for path in DASHBOARDS} == {"operations", "money", "security"}
    for path in DASHBOARDS:
        board = json.loads(path.read_text("utf-8"))
        assert {"uid", "title", "schemaVersion", "templating", "panels", "time"} <= board.keys()
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        assert all(
            panel["description"] and panel["targets"] and panel["gridPos"]["w"] <= 24 for panel in board["panels"]
        )
