"""The ledger against the upstream's own count: plain, streamed, failed and abandoned calls, to the last token."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import wait_until

LONG = "lorem ipsum " * 500  # long enough to be cached
COSTS = {
    "currency": "USD",
    "cost_input_1Mtokens": 2.5,
    "cost_cached_input_1Mtokens": 1.25,
    "cost_output_1Mtokens": 10,
}


@pytest.fixture
def upstream_simulator() -> Iterator[Simulator]:
    made = Simulator()
    yield made
    made.stop()


@pytest.fixture
def proxy(tmp_path: Path, upstream_simulator: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path,
        upstream("wire", upstream_simulator.url, costs=COSTS),
        simulated("inside", costs=COSTS),
        variables={"LLMPROXY_RETRIES": "0"},
    )
    yield made
    made.stop()


def body(number: int, chance: random.Random) -> dict[str, object]:
    messages = [{"role": "user", "content": f"question {number} " + "?" * chance.randrange(50)}]
    if number % 5 == 0:
        messages.insert(0, {"role": "system", "content": LONG})
    asked: dict[str, object] = {"model": "wire", "messages": messages, "user": f"user-{number % 3}"}
    if number % 2:
        asked["stream"] = True
        if number % 4 == 1:
            asked["stream_options"] = {"include_usage": True}
    if number % 7 == 0:
        asked["n"] = 2
    if number % 11 == 0:
        asked["reasoning_effort"] = "high"
    if number % 13 == 0:
        asked["simulator"] = {"status": 500}
    return asked


async def test_a_thousand_mixed_calls_add_up(proxy: LLMProxy, upstream_simulator: Simulator) -> None:
    chance = random.Random(4852)
    seen = {"input": 0, "output": 0, "failed": 0}
    async with httpx.AsyncClient(
        base_url=proxy.url, headers={"api-key": proxy.key}, timeout=60, limits=httpx.Limits(max_connections=50)
    ) as client:

        async def one(number: int) -> None:
            answer = await client.post("/v1/chat/completions", json=body(number, chance))
            if answer.status_code != 200:
                seen["failed"] += 1
            elif answer.headers["content-type"] == "application/json":
                usage = answer.json()["usage"]
                seen["input"] += usage["prompt_tokens"]
                seen["output"] += usage["completion_tokens"]

        for start in range(0, 1000, 50):
            await asyncio.gather(*(one(number) for number in range(start, start + 50)))

    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) == 1000, 10, "all lines")
    (row,) = proxy.usage()
    counted = upstream_simulator.calls()
    assert row["failed"] == seen["failed"] == counted["failed"]
    assert row["inexact"] == 0
    assert row["input_tokens"] == counted["input_tokens"] > seen["input"]
    assert row["output_tokens"] == counted["output_tokens"] > seen["output"]
    assert row["cached_tokens"] == counted["cached_tokens"] > 0
    plain = row["input_tokens"] - row["cached_tokens"]
    micro = plain * Decimal("2.5") + row["cached_tokens"] * Decimal("1.25") + row["output_tokens"] * 10
    assert Decimal(row["cost"]) == micro / 1_000_000
    by_user = proxy.usage("user")
    assert sum(each["calls"] for each in by_user) == 1000
    assert {each["user"] for each in by_user} == {"user-0", "user-1", "user-2"}


async def test_usage_that_the_upstream_does_not_report_is_estimated_alike(
    proxy: LLMProxy, upstream_simulator: Simulator
) -> None:
    async with httpx.AsyncClient(base_url=proxy.url, headers={"api-key": proxy.key}, timeout=60) as client:
        for number in range(20):
            asked = {
                "model": "wire",
                "messages": [{"role": "user", "content": "x" * number}],
                "stream": bool(number % 2),
            }
            answer = await client.post("/v1/chat/completions", json=asked | {"simulator": {"no_usage": True}})
            assert answer.status_code == 200
    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) == 20, 10, "all lines")
    (row,) = proxy.usage()
    counted = upstream_simulator.calls()
    assert row["inexact"] == 20
    assert (row["input_tokens"], row["output_tokens"]) == (counted["input_tokens"], counted["output_tokens"])


async def test_the_built_in_simulator_is_billed_like_any_upstream(proxy: LLMProxy) -> None:
    async with httpx.AsyncClient(base_url=proxy.url, headers={"api-key": proxy.key}, timeout=60) as client:
        asked = {"model": "inside", "messages": [{"role": "user", "content": "x" * 40}], "simulator": {"tokens": 7}}
        for stream in (False, True):
            assert (await client.post("/v1/chat/completions", json=asked | {"stream": stream})).status_code == 200
    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) == 2, 10, "both lines")
    (row,) = proxy.usage()
    assert (row["input_tokens"], row["output_tokens"]) == (20, 14)
