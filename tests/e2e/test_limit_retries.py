"""Refused callers who use the official client come back when they are told to, and pass."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from tests.fakes.llmproxy_server import PROJECT, LLMProxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CALLERS = 60
BODY: dict[str, Any] = {"model": "sim", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}


async def test_refused_callers_recover_without_a_storm(replicas: list[LLMProxy]) -> None:
    """Three replicas share 10 requests a second; 60 callers at once need six seconds, and hardly more attempts."""
    await asyncio.to_thread(replicas[0].command, "projects", "set-limits", PROJECT, "--rpm", "600", "--burst", "10")
    for proxy in replicas:
        await asyncio.to_thread(proxy.follow)
    async with httpx.AsyncClient(headers={"api-key": replicas[0].key}, timeout=30) as client:
        addresses = [f"{proxy.url}/v1/chat/completions" for proxy in replicas]
        await asyncio.gather(*(client.post(addresses[number % 3], json=BODY) for number in range(60)))

    outcomes: Counter[int] = Counter()
    clients = [
        AsyncOpenAI(
            base_url=f"{proxy.url}/v1",
            api_key=proxy.key or replicas[0].key,
            max_retries=6,
            http_client=httpx.AsyncClient(event_hooks={"response": [lambda answer: _count(outcomes, answer)]}),
        )
        for proxy in replicas
    ]

    async def caller(number: int) -> None:
        await clients[number % 3].chat.completions.create(**BODY)

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    for each in clients:
        await each.close()
    assert outcomes[200] == CALLERS
    assert set(outcomes) == {200, 429}
    assert outcomes[429] < CALLERS * 3 / 2


async def _count(outcomes: Counter[int], answer: httpx.Response) -> None:
    outcomes[answer.status_code] += 1
