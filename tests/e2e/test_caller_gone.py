"""A caller who hangs up: the upstream call ends within a second, and what was counted is billed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until

MESSAGES = [{"role": "user", "content": "Tell me a long story."}]


@pytest.fixture
def slow() -> Iterator[Simulator]:
    made = Simulator("--tps", "20")
    yield made
    made.stop()


@pytest.fixture
def proxy(tmp_path: Path, slow: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, upstream("wire", slow.url))
    yield made
    made.stop()


def test_a_stream_that_is_left_ends_upstream_and_is_billed_as_far_as_it_went(proxy: LLMProxy, slow: Simulator) -> None:
    body = {"model": "wire", "messages": MESSAGES, "stream": True, "simulator": {"tokens": 1000}}
    seen = 0
    with httpx.stream("POST", f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                seen += bool(json.loads(line[6:])["choices"][0]["delta"].get("content"))
            if seen == 10:
                break
    left = time.monotonic()
    wait_until(lambda: slow.calls()["open"] == 0, 1.0, "the end of the upstream call")
    assert time.monotonic() - left < 1.0
    wait_until(proxy.usage, 5, "the ledger line")
    (row,) = proxy.usage()
    counted = slow.calls()
    assert counted["aborted"] == 1
    assert row["inexact"] == 1
    assert row["input_tokens"] == counted["input_tokens"]
    # The upstream may have handed out one more piece that we could no longer see.
    assert 10 <= row["output_tokens"] <= counted["output_tokens"] <= row["output_tokens"] + 2


def test_an_answer_that_nobody_waits_for_ends_upstream(proxy: LLMProxy, slow: Simulator) -> None:
    body = {"model": "wire", "messages": MESSAGES, "simulator": {"tokens": 1000}}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}, timeout=0.7)
    wait_until(lambda: slow.calls()["open"] == 0, 1.0, "the end of the upstream call")
    wait_until(proxy.usage, 5, "the ledger line")
    (row,) = proxy.usage()
    assert (row["calls"], row["failed"], row["inexact"]) == (1, 1, 1)
    assert row["input_tokens"] == slow.calls()["input_tokens"]
