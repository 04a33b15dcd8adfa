"""The logs of the real server: fields, forms, the file, and levels that change while it runs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated, upstream
from tests.fakes.processes import wait_until

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
OF_EVERY_LINE = {"timestamp", "level", "logger", "message", "request_id"}
OF_A_CALL = OF_EVERY_LINE | {
    *("method", "path", "status_code", "duration", "first_byte", "project", "key_id", "model", "stream", "provider"),
    *("document", "attempts", "tokens", "input_tokens", "output_tokens", "cost", "currency"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def proxy(folder: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(
        folder,
        simulated("sim"),
        upstream("dead", "http://127.0.0.1:1/v1"),
        variables={"LLMPROXY_LOG_FILE": str(folder / "proxy.log")},
        options=("--workers", "2"),
    )
    wait_until(lambda: ready(made), what="the server")
    yield made
    made.stop()


def ready(proxy: LLMProxy) -> bool:
    try:
        return httpx.get(f"{proxy.url}/health").status_code == 200
    except httpx.TransportError:
        return False


def call(proxy: LLMProxy, request_id: str, model: str = "sim") -> None:
    client = OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)
    client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "hi"}], extra_headers={"x-request-id": request_id}
    )


def lines(text: str, request_id: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in found if line.get("request_id") == request_id]


def has_two_lines(proxy: LLMProxy, request_id: str) -> bool:
    return len(lines(proxy.logs(), request_id)) == 2


def test_a_call_is_one_line_with_these_fields_on_stdout_and_in_the_file(proxy: LLMProxy, folder: Path) -> None:
    call(proxy, "fields-1")
    file = folder / "proxy.log"
    wait_until(lambda: lines(proxy.logs(), "fields-1") and lines(file.read_text(), "fields-1"), what="the lines")
    (line,) = lines(proxy.logs(), "fields-1")
    (written,) = lines(file.read_text(), "fields-1")
    assert written == line | {"timestamp": written["timestamp"]}  # each output has the moment at which it was written
    assert line.keys() == OF_A_CALL
    assert (line["logger"], line["level"]) == ("llmproxy.access", "info")
    assert line["message"] == "POST /v1/chat/completions 200"
    assert (line["project"], line["model"], line["provider"], line["attempts"]) == ("tests", "sim", "Simulator", 1)
    assert line["tokens"] == line["input_tokens"] + line["output_tokens"] > 0
    (ledger,) = json.loads(proxy.command("usage", "call", "fields-1", "--json"))
    assert (line["cost"], line["currency"]) == (ledger["cost"], ledger["currency"])
    assert 0 < line["first_byte"] <= line["duration"] + 0.001


def test_a_failed_call_has_a_line_of_its_own_with_the_reason(proxy: LLMProxy) -> None:
    with pytest.raises(Exception, match="could not be reached"):
        call(proxy, "failed-1", "dead")
    wait_until(lambda: len(lines(proxy.logs(), "failed-1")) == 2, what="both lines")
    reason, access = sorted(lines(proxy.logs(), "failed-1"), key=lambda line: str(line["logger"]), reverse=True)
    assert reason.keys() == OF_EVERY_LINE | {"path", "project", "document", "error", "reason"}
    assert (reason["level"], reason["document"]) == ("warning", "dead")
    assert (access["status_code"], access["error"]) == (502, reason["error"])


def test_probes_are_not_logged_unless_they_fail(proxy: LLMProxy) -> None:
    for path in ("/health", "/metrics", "/metrics/prometheus", "/health?detailed=true"):
        httpx.get(f"{proxy.url}{path}").raise_for_status()
    httpx.post(f"{proxy.url}/health", headers={"x-request-id": "probe-1"})
    wait_until(lambda: lines(proxy.logs(), "probe-1"), what="the failed probe")
    logged = [json.loads(line).get("message") for line in proxy.logs().splitlines() if line.startswith("{")]
    assert [line for line in logged if str(line).startswith(("GET /health", "GET /metrics"))] == []


def test_levels_change_in_every_worker_and_only_for_the_administrator(proxy: LLMProxy) -> None:
    url = f"{proxy.url}/debug/logs"
    body = {"logger": "llmproxy.requests", "level": "DEBUG"}
    for headers in ({}, {"authorization": f"Bearer {proxy.key}"}):
        assert httpx.put(url, json=body, headers=headers).status_code == 401
        assert httpx.get(url, headers=headers).status_code == 401
    wrong = httpx.put(url, json={"logger": "llmproxy.request", "level": "DEBUG"}, headers=ADMIN)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "logger")
    assert "did you mean 'llmproxy.requests'?" in wrong.json()["error"]["message"]
    assert httpx.put(url, json={**body, "level": "LOUD"}, headers=ADMIN).status_code == 400
    assert httpx.put(url, json={**body, "logger": "litellm"}, headers=ADMIN).status_code == 400

    assert httpx.put(url, json=body, headers=ADMIN).json()["levels"] == {"llmproxy.requests": "DEBUG"}
    wait_until(lambda: all(levels(url) == {"llmproxy.requests": "DEBUG"} for _ in range(20)), what="both workers")
    for number in range(20):
        refused(proxy, f"refused-{number}")
    for number in range(20):  # each worker writes its lines when it comes to it
        wait_until(partial(has_two_lines, proxy, f"refused-{number}"), what=f"the reason of call {number}")

    httpx.put(url, json={**body, "level": None}, headers=ADMIN).raise_for_status()
    wait_until(lambda: all(levels(url) == {} for _ in range(20)), what="both workers")
    entries = json.loads(proxy.command("audit", "list", "--json"))
    (change, undone) = [entry for entry in entries if entry["action"] == "PUT /debug/logs" and entry["changes"]]
    assert (change["actor"], change["origin"], change["outcome"]) == ("administrator", "127.0.0.1", "changed")
    assert undone["changes"] == [{"field": "level", "old": "DEBUG", "new": None}]
    refusals = [entry["action"] for entry in entries if entry["outcome"] == "refused" and entry["actor"] == "unknown"]
    assert set(refusals) == {"PUT /debug/logs", "GET /debug/logs"}

    refused(proxy, "quiet-1")
    wait_until(lambda: lines(proxy.logs(), "quiet-1"), what="the access line")
    assert len(lines(proxy.logs(), "quiet-1")) == 1


def levels(url: str) -> dict[str, str]:
    found: dict[str, str] = httpx.get(url, headers=ADMIN).json()["levels"]  # a new connection: any worker
    return found


def refused(proxy: LLMProxy, request_id: str) -> None:
    headers = {"authorization": f"Bearer {proxy.key}", "x-request-id": request_id}
    answer = httpx.post(f"{proxy.url}/v1/chat/completions", json={"model": "unknown", "messages": []}, headers=headers)
    assert answer.status_code == 404


def test_a_renamed_file_is_left_alone(proxy: LLMProxy, folder: Path) -> None:
    file, old = folder / "proxy.log", folder / "proxy.log.1"
    file.rename(old)
    call(proxy, "rotated-1")
    wait_until(lambda: file.exists() and lines(file.read_text(), "rotated-1"), what="the line in the new file")
    assert lines(old.read_text(), "rotated-1") == []


def test_a_terminal_gets_text(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    env = LLMProxy.environment_of(tmp_path, {"AUTH": "off"})
    command = [sys.executable, "-m", "llmproxy", "serve", "--port", "0"]
    with subprocess.Popen(command, env=env, stdout=terminal, stderr=terminal) as process:  # noqa: S603 - our own command
        os.close(terminal)
        output = ""
        while "llmproxy listening on" not in output:
            output += os.read(controller, 4096).decode()
        url = output.partition("llmproxy listening on ")[2].partition("/v1")[0]
        httpx.get(f"{url}/nothing", headers={"x-request-id": "text-1"})
        end = time.monotonic() + 20
        while "request_id=text-1" not in output:
            assert time.monotonic() < end, output
            output += os.read(controller, 4096).decode()
        process.terminate()
    os.close(controller)
    assert "GET /nothing 404  [llmproxy.access] request_id=text-1 duration=" in output


def test_a_log_file_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    env = LLMProxy.environment_of(tmp_path, {"LLMPROXY_LOG_FILE": str(tmp_path)})
    command = [sys.executable, "-m", "llmproxy", "serve", "--port", "0"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own command
    assert done.returncode != 0
    assert done.stderr.startswith("Error: LLMPROXY_LOG_FILE is invalid:")
    assert "Traceback" not in done.stderr
