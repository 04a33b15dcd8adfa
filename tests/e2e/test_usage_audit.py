"""``llmproxy usage audit``: sums that agree, and the name of every line that is an estimate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated
from tests.fakes.many_callers import audits, settled
from tests.fakes.processes import wait_until

PRICES = {"currency": "USD", "cost_input_1Mtokens": 1_000, "cost_output_1Mtokens": 10_000}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("sim", costs=PRICES))
    yield made
    made.stop()


def call(proxy: LLMProxy, request_id: str, **members: Any) -> None:
    body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]} | members
    headers = {"api-key": proxy.key, "x-request-id": request_id}
    assert httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=headers, timeout=30).status_code == 200


def test_every_estimate_is_named(proxy: LLMProxy) -> None:
    proxy.command("projects", "set-budget", PROJECT, "100")
    proxy.follow()
    call(proxy, "measured")
    call(proxy, "without-usage", simulator={"no_usage": True})
    wait_until(lambda: settled(proxy), 20, "the report of what was spent")
    (audited,) = audits(proxy)
    (estimate,) = audited["estimates"]
    assert (audited["inexact"], estimate["request_id"], estimate["source"]) == (1, "without-usage", "estimated")
    assert 0 < estimate["cost"] < audited["ledger"]
    shown = proxy.command("usage", "audit")
    assert "without-usage" in shown
    assert "measured" not in shown
