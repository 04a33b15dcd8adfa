"""Requests to a running server: paths of operators refuse others, and refusals and reloads are in the audit log."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import wait_until

OPEN = {"/health", "/metrics", "/metrics/prometheus"}
"""Paths of operators that need no key; what the first shows depends on it."""


def entries(proxy: LLMProxy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(proxy.command("audit", "list", "--limit", "1000", "--json"))
    return found


def test_every_path_of_operators_refuses_others_and_records_it(tmp_path: Path) -> None:
    proxy = LLMProxy(tmp_path, simulated("sim"))
    try:
        described = httpx.get(f"{proxy.url}/openapi.json").json()["paths"]
        wanted = {
            (method.upper(), path.replace("{", "").replace("}", ""))
            for path, methods in described.items()
            for method, operation in methods.items()
            if "operations" in operation.get("tags", ()) and path not in OPEN
        }
        assert {("PUT", "/debug/logs"), ("POST", "/debug/memory/gc"), ("POST", "/api/chaos/start")} <= wanted
        for method, path in wanted:
            for headers in ({}, {"authorization": f"Bearer {proxy.key}"}):
                answer = httpx.request(method, f"{proxy.url}{path}", headers=headers)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key"), path
        wait_until(lambda: refusals(proxy) == wanted, what="an entry for each path")
        every = entries(proxy)
        # One entry for each path: the second refusal within the minute is the same.
        assert len([one for one in every if one["outcome"] == "refused"]) <= 2 * len(wanted)
        assert proxy.key not in json.dumps(every)
    finally:
        proxy.stop()


def refusals(proxy: LLMProxy) -> set[tuple[str, str]]:
    found = [one["action"].partition(" ") for one in entries(proxy) if one["outcome"] == "refused"]
    return {(method, path) for method, _, path in found if path.startswith("/")}


def test_a_reload_of_settings_is_recorded_without_secrets(tmp_path: Path) -> None:
    settings, secret = tmp_path / "settings.env", "a-signing-key-that-is-secret"
    settings.write_text("LLMPROXY_LOG_LEVEL=INFO\n", "utf-8")
    variables = {"LLMPROXY_ENV_FILE": str(settings)}
    proxy = LLMProxy(tmp_path, simulated("sim"), options=("--workers", "1"), variables=variables)
    try:
        settings.write_text(f"LLMPROXY_LOG_LEVEL=DEBUG\nLLMPROXY_SIGNING_KEY={secret}\n", "utf-8")
        os.kill(proxy.running.pid, signal.SIGHUP)
        wait_until(lambda: [one for one in entries(proxy) if one["action"] == "reload"], what="the entry")
    finally:
        proxy.stop()
    (entry,) = [one for one in entries(proxy) if one["action"] == "reload"]
    assert (entry["subject"], entry["origin"], entry["outcome"]) == ("settings", "signal", "changed")
    changes = {change["field"]: (change["old"], change["new"]) for change in entry["changes"]}
    assert changes == {"LLMPROXY_LOG_LEVEL": ("INFO", "DEBUG"), "LLMPROXY_SIGNING_KEY": (None, "********")}
    assert secret not in json.dumps(entry)
