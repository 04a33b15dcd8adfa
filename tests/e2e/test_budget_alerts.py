"""Alerts about budgets, once a period however many processes there are, to a real webhook."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx

from tests.fakes.llmproxy_server import PROJECT, LLMProxy, simulated
from tests.fakes.processes import wait_until
from tests.fakes.scripted_server import Peer, scripted_server

PRICES = {"currency": "USD", "cost_input_1Mtokens": 1_000, "cost_output_1Mtokens": 10_000}


async def accept(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(b"")


def answers(proxy: LLMProxy) -> bool:
    """Return whether a worker has begun to listen."""
    try:
        return bool(proxy.health()["status"] == "ok")
    except httpx.HTTPError:
        return False


async def test_each_share_is_alerted_once_by_all_workers_together(tmp_path: Path) -> None:
    async with scripted_server(accept) as hook:
        variables = {"LLMPROXY_ALERT_WEBHOOK": f"http://127.0.0.1:{hook.origin.port}/hook?key=secret"}
        proxy = await asyncio.to_thread(
            LLMProxy, tmp_path, simulated("sim", costs=PRICES), variables=variables, options=("--workers", "2")
        )
        try:
            options = ("--alert-at", "0.5", "--alert-at", "1", "--soft")
            await asyncio.to_thread(proxy.command, "projects", "set-budget", PROJECT, "1", *options)
            await asyncio.to_thread(wait_until, lambda: answers(proxy), 30, "the workers")
            await asyncio.sleep(1.5)
            async with httpx.AsyncClient(headers={"api-key": proxy.key}, timeout=30) as client:
                for _ in range(25):
                    body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
                    answer = await client.post(f"{proxy.url}/v1/chat/completions", json=body)
                    assert answer.status_code == 200
            for _ in range(200):
                if len(hook.requests) >= 2:
                    break
                await asyncio.sleep(0.1)
            await asyncio.sleep(6)  # nothing more comes
            sent = [json.loads(request.body) for request in hook.requests]
            assert sorted(alert["share"] for alert in sent) == ["0.5", "1"]
            assert {(alert["project"], alert["budget"], alert["currency"]) for alert in sent} == {
                (PROJECT, "month-USD", "USD")
            }
            assert proxy.logs().count('"budget alert"') == 2
            assert "key=secret" not in proxy.logs()
        finally:
            await asyncio.to_thread(proxy.stop)
