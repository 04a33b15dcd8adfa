"""More calls than a process may have: callers wait or are refused at once, and one project's flood is its own."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until

CALLS, WAITING = 10, 4
FLOOD = 30


def test_a_flood_is_refused_at_once_and_other_projects_are_served(tmp_path: Path) -> None:
    simulator = Simulator("--tps", "10")
    limits = {"LLMPROXY_MAX_CALLS": str(CALLS), "LLMPROXY_MAX_WAITING": str(WAITING)}
    proxy = LLMProxy(tmp_path, upstream("wire", simulator.url), variables=limits)
    other = proxy.create_key("other")
    answers: list[tuple[httpx.Response, float]] = []

    def call(key: str, tokens: int) -> None:
        body: dict[str, Any] = {"model": "wire", "messages": [], "stream": True, "simulator": {"tokens": tokens}}
        body["messages"] = [{"role": "user", "content": "hi"}]
        started = time.monotonic()
        answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": key}, timeout=60)
        answers.append((answer, time.monotonic() - started))

    try:
        wait_until(lambda: knows(proxy, other), 20, "the second project's key")
        flood = [threading.Thread(target=call, args=(proxy.key, 80)) for _ in range(FLOOD)]
        for caller in flood:
            caller.start()
        wait_until(lambda: len(answers) == FLOOD - 9 - 2, 30, "the refusals")  # 9/10 of the slots, 1/2 of the queue
        for answer, _ in answers:
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "overloaded"
            assert answer.headers["retry-after"] == "1"
        assert proxy.health()["calls"] == {"under_way": 9, "limit": CALLS, "waiting": 2, "refused": FLOOD - 11}

        refused = len(answers)
        call(other, 1)
        assert answers[refused][0].text.endswith("[DONE]\n\n")
        assert len(answers) == refused + 1  # before any call of the flood

        for caller in flood:
            caller.join(60)
        assert sum(answer.text.endswith("[DONE]\n\n") for answer, _ in answers) == 9 + 2 + 1
        assert simulator.calls()["open"] == 0
        wait_until(lambda: proxy.health()["calls"]["under_way"] == 0, 10, "the end of the calls")
        assert gauge(proxy, "llm_proxy_calls_refused") == FLOOD - 11
    finally:
        proxy.stop()
        simulator.stop()


def knows(proxy: LLMProxy, key: str) -> bool:
    return httpx.get(f"{proxy.url}/v1/models", headers={"api-key": key}).is_success


def gauge(proxy: LLMProxy, name: str) -> float:
    text = httpx.get(f"{proxy.url}/metrics/prometheus", headers={"api-key": ADMIN_KEY}).text
    rows = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return float(rows[name])
