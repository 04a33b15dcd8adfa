"""Limits and budgets over several server processes: workers on SQLite, replicas on Cosmos DB."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated, upstream
from tests.fakes.many_callers import at_rest, audits, call_until_spent, greedy
from tests.fakes.processes import llmproxy_json, wait_until
from tests.fakes.scripted_server import scripted_server
from tests.fakes.workers import workers_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PRICES = {"currency": "USD", "cost_input_1Mtokens": 100, "cost_output_1Mtokens": 1_000}
CALLERS = 200


def mixed(chance: random.Random) -> dict[str, Any]:
    text = "word " * chance.choice((1, 20, 100))
    return {
        "model": "greedy",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": chance.choice((1, 5, 20)),
        "n": chance.choice((1, 1, 3)),
    }


async def spend(proxy: LLMProxy, urls: list[str], amount: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Let many callers spend a budget; return the amount in 10^-12 and what the audit says at the end."""
    await asyncio.to_thread(proxy.command, "projects", "set-budget", PROJECT, amount, *options)
    await asyncio.sleep(2)
    outcome = await call_until_spent(lambda: urls, proxy.key, CALLERS, seconds=150, body=mixed)
    assert outcome.counts["insufficient_quota"] == CALLERS, outcome.counts
    return int(float(amount) * 10**12), await asyncio.to_thread(at_rest, proxy)


async def test_workers_never_pass_a_strict_budget(tmp_path: Path) -> None:
    async with scripted_server(greedy) as server:
        endpoint = f"http://127.0.0.1:{server.origin.port}/v1"
        document = upstream("greedy", endpoint, costs=PRICES, context_window=8000)
        proxy = await asyncio.to_thread(LLMProxy, tmp_path, document, options=("--workers", "4"))
        try:
            amount, found = await spend(proxy, [proxy.url], "10", "--strict")
            assert found["ledger"] <= amount
            assert found["ledger"] >= amount * 99 // 100
            assert found["inexact"] == 0
        finally:
            await asyncio.to_thread(proxy.stop)


@pytest.mark.parametrize("strict", [True, False])
async def test_replicas_spend_a_budget_and_hardly_less(
    replicas: list[LLMProxy],
    strict: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with scripted_server(greedy) as server:
        endpoint = f"http://127.0.0.1:{server.origin.port}/v1"
        document = upstream("greedy", endpoint, costs=PRICES, context_window=8000)
        await asyncio.to_thread(replicas[0].apply, document)
        options = ("--strict",) if strict else ()
        amount, found = await spend(replicas[0], [proxy.url for proxy in replicas], "6", *options)
        assert found["ledger"] >= amount * 99 // 100
        if strict:
            assert found["ledger"] <= amount
        else:
            # The estimate of a call takes a quarter of its bytes for tokens, this upstream reports a token a byte:
            # 500 bytes more than estimated at most, for each call that can be under way.
            assert found["ledger"] <= amount + CALLERS * 500 * 100 * 10**6


async def test_killed_workers_lose_nothing(tmp_path: Path) -> None:
    """With a worker killed every few seconds nothing is passed, and in the end ledger and reports agree."""
    async with scripted_server(greedy) as server:
        endpoint = f"http://127.0.0.1:{server.origin.port}/v1"
        document = upstream("greedy", endpoint, costs=PRICES, context_window=8000)
        proxy = await asyncio.to_thread(LLMProxy, tmp_path, document, options=("--workers", "3"))
        killed = 0

        async def killer() -> None:
            nonlocal killed
            while True:
                await asyncio.sleep(4)
                workers = workers_of(proxy.running.pid)
                if workers:
                    os.kill(random.choice(workers), signal.SIGKILL)
                    killed += 1

        try:
            await asyncio.to_thread(proxy.command, "projects", "set-budget", PROJECT, "20", "--strict")
            await asyncio.sleep(2)
            task = asyncio.create_task(killer())
            outcome = await call_until_spent(lambda: [proxy.url], proxy.key, 50, seconds=60, body=mixed)
            task.cancel()
            assert killed >= 2
            assert outcome.counts["passed"] > 50
            found = await asyncio.to_thread(at_rest, proxy, spent=False)
            assert found["ledger"] <= 20 * 10**12
        finally:
            await asyncio.to_thread(proxy.stop)


def test_a_killed_server_has_a_line_for_each_call_under_way(tmp_path: Path) -> None:
    slow = simulated("sim", costs=PRICES)
    proxy = LLMProxy(tmp_path, slow)
    try:
        with httpx.Client(base_url=proxy.url, headers={"api-key": proxy.key}, timeout=30) as client:
            body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], "stream": True}
            body |= {"simulator": {"tokens": 500, "tps": 20}}
            with ExitStack() as stack:
                for number in range(5):
                    answer = stack.enter_context(
                        client.stream(
                            "POST", "/v1/chat/completions", json=body, headers={"x-request-id": f"under-way-{number}"}
                        )
                    )
                    assert answer.status_code == 200
                proxy.kill()
        proxy.start()
        wait_until(lambda: sum(row["calls"] for row in proxy.usage()) == 5, 30, "the lines of what was under way")
        (row,) = proxy.usage()
        assert (row["calls"], row["inexact"], row["failed"]) == (5, 5, 5)
        assert float(row["cost"]) > 0
        proxy.kill()
        proxy.start()
        time.sleep(12)
        assert proxy.usage()[0]["calls"] == 5
    finally:
        proxy.stop()


async def test_a_rate_over_replicas_is_the_rate(replicas: list[LLMProxy]) -> None:
    """600 a minute with a burst of 10: under tenfold load 10 a second pass, and evenly spaced none is refused."""
    await asyncio.to_thread(replicas[0].command, "projects", "set-limits", PROJECT, "--rpm", "600", "--burst", "10")
    await asyncio.sleep(2)
    body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    passed: list[float] = []
    refused = 0
    seconds = 30.0

    async def call(client: httpx.AsyncClient, number: int) -> None:
        nonlocal refused
        answer = await client.post(f"{replicas[number % 3].url}/v1/chat/completions", json=body)
        if answer.status_code == 200:
            passed.append(time.monotonic())
        else:
            assert answer.json()["error"]["code"] == "rate_limit_exceeded"
            refused += 1

    async def load(client: httpx.AsyncClient, per_second: float, lasting: float) -> None:
        start, tasks = time.monotonic(), set()
        for number in range(int(per_second * lasting)):
            await asyncio.sleep(max(0.0, start + number / per_second - time.monotonic()))
            tasks.add(asyncio.create_task(call(client, number)))
        await asyncio.gather(*tasks)

    async with httpx.AsyncClient(headers={"api-key": replicas[0].key}, timeout=30) as client:
        await load(client, 60, 5)  # drains the bucket
        start = time.monotonic()
        passed.clear()
        await load(client, 60, seconds)
        lasted = time.monotonic() - start
        assert len(passed) == pytest.approx(10 * lasted, rel=0.04)
        await asyncio.sleep(3)
        refused = 0
        passed.clear()
        await load(client, 590 / 60, 12)
        assert refused == 0, f"{refused} of {len(passed) + refused}"


def in_the_store(on_cosmos: LLMProxy, cosmos: FaultProxy, project: str) -> tuple[Decimal, Decimal]:
    """Return what is spent and held of the only budget, read past the proxy that takes the store away."""
    env = on_cosmos.env | {"COSMOS_URL": f"https://127.0.0.1:{cosmos.upstream}"}
    (budget,) = llmproxy_json("limits", "show", project, env=env)
    return Decimal(budget["used"].split()[0]), Decimal(budget["reserved"].split()[0])


def test_without_the_store_calls_go_on_as_far_as_they_may(on_cosmos: LLMProxy, cosmos: FaultProxy) -> None:
    """Soft budgets are ignored, strict ones spend their slice, hard ones 2 % more: however long the store is away."""
    on_cosmos.apply(simulated("sim", costs=PRICES))
    keys = {"plain": on_cosmos.key}
    for name, options in {"soft": ("--soft",), "hard": (), "strict": ("--strict",)}.items():
        keys[name] = on_cosmos.create_key(name)
        on_cosmos.command("projects", "set-budget", name, "1", *options)
    time.sleep(2)
    passed = dict.fromkeys(keys, 0)

    def call(name: str) -> httpx.Response:
        body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
        headers = {"api-key": keys[name]}
        answer = httpx.post(f"{on_cosmos.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
        passed[name] += answer.status_code == 200
        return answer

    for name in keys:
        assert call(name).status_code == 200
    cosmos.fault = Fault(status=503)
    allowed = {name: sum(in_the_store(on_cosmos, cosmos, name)) for name in ("hard", "strict")}
    for name in ("plain", "soft"):
        assert all(call(name).status_code == 200 for _ in range(30))
    for _ in range(2):  # once more when the process has asked the store again, in vain
        for name in ("hard", "strict"):
            refused = next(answer for answer in (call(name) for _ in range(60)) if answer.status_code != 200)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "budget_unavailable")
            assert int(refused.headers["retry-after"]) >= 1
        asked = len(cosmos.seen)
        wait_until(lambda so_far=asked: len(cosmos.seen) > so_far + 20, 30, "more attempts to reach the store")
    went_on = dict(passed)
    cosmos.fault = None
    for name in keys:
        wait_until(lambda it=name: call(it).status_code == 200, 20, f"{name} again")
    wait_until(lambda: all(one["agrees"] for one in audits(on_cosmos)), 40, "all reports")
    lines = {row["project"]: row for row in on_cosmos.usage()}
    spent = {name: Decimal(lines[name]["cost"]) / lines[name]["calls"] * went_on[name] for name in allowed}
    assert went_on["strict"] > 1
    assert spent["strict"] <= allowed["strict"]
    assert allowed["hard"] < spent["hard"] <= allowed["hard"] + Decimal("0.02")
