"""A server with a configuration file, which is read again on SIGHUP."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx

from tests.fakes.llmproxy_server import LLMProxy
from tests.fakes.processes import wait_until


def test_a_configuration_file_is_read_at_the_start_and_on_sighup(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("llmproxy_metrics: false\nllmproxy_refresh_interval: 60\n", "utf-8")
    variables = {"LLMPROXY_CONFIG": str(config)}
    proxy = LLMProxy(tmp_path, variables=variables, options=("--workers", "1"))

    def metrics() -> int:
        return httpx.get(f"{proxy.url}/metrics").status_code

    try:
        assert metrics() == 404
        config.write_text("llmproxy_metrics: [\n", "utf-8")
        os.kill(proxy.running.pid, signal.SIGHUP)
        wait_until(lambda: "config.yaml, line 2" in proxy.logs(), what="the report of the fault")
        assert metrics() == 404
        config.write_text("llmproxy_metrics: true\n", "utf-8")
        os.kill(proxy.running.pid, signal.SIGHUP)
        wait_until(lambda: metrics() == 200, 60, "a worker with the new settings")
    finally:
        assert proxy.stop() == 0
