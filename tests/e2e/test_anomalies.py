"""The line in the log of a server about a project whose calls begin to fail."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx

from tests.fakes.llmproxy_server import LLMProxy, simulated, upstream
from tests.fakes.processes import wait_until


def test_a_project_whose_calls_begin_to_fail_is_in_the_log(tmp_path: Path) -> None:
    proxy = LLMProxy(
        tmp_path,
        simulated("sim"),
        upstream("dead", "http://127.0.0.1:1/v1", retries=0),
        variables={"LLMPROXY_ANOMALY_INTERVAL": "0.05"},
    )
    try:
        with httpx.Client(base_url=proxy.url, headers={"api-key": proxy.key}, timeout=30) as client:

            def call(model: str, times: int) -> None:
                for _ in range(times):
                    client.post("/v1/chat/completions", json={"model": model, "messages": []})

            def reported() -> bool:
                """Have good calls for some intervals, then failing ones; and again, where the machine was too slow."""
                for _ in range(20):
                    call("sim", 10)
                    time.sleep(0.06)
                call("dead", 20)
                time.sleep(0.06)
                return "unusually high" in proxy.logs()

            wait_until(reported, 60, "the line")
    finally:
        proxy.stop()
    (line, *_) = [json.loads(text) for text in proxy.logs().splitlines() if "unusually high" in text]
    assert (line["level"], line["logger"], line["project"]) == ("warning", "llmproxy.anomalies", "tests")
    assert line["share"] > line["usual"]
