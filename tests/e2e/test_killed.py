"""``kill -9`` under load: every call that was answered is in the ledger, once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import httpx

from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until

CALLERS = 200


async def test_every_answered_call_survives_the_death_of_the_server(tmp_path: Path) -> None:
    simulator = Simulator("--ttft", "0.05")
    proxy = LLMProxy(tmp_path, upstream("wire", simulator.url))
    answered: list[str] = []
    try:
        limits = httpx.Limits(max_connections=CALLERS)
        async with httpx.AsyncClient(
            base_url=proxy.url, headers={"api-key": proxy.key}, timeout=30, limits=limits
        ) as client:
            callers = [asyncio.create_task(_call_on(client, number, answered)) for number in range(CALLERS)]
            while len(answered) < 3 * CALLERS:  # noqa: ASYNC110 - polling 200 tasks is simpler than an event of them all
                await asyncio.sleep(0.01)
            proxy.kill()
            await asyncio.gather(*callers)
        assert len(answered) >= 3 * CALLERS
        proxy.start()
        wait_until(lambda: proxy.health()["ledger"]["lines_waiting"] == 0, 20, "the journal's lines")
        counted = Counter(_request_ids(proxy))
        assert [request_id for request_id in answered if counted[request_id] != 1] == []
        assert max(counted.values()) == 1
    finally:
        proxy.stop()
        simulator.stop()


async def _call_on(client: httpx.AsyncClient, number: int, answered: list[str]) -> None:
    """Call until the server ends, and record each call that was answered completely."""
    turn = 0
    with contextlib.suppress(httpx.HTTPError):
        while True:
            turn += 1
            request_id = f"call-{number}-{turn}"
            body = {
                "model": "wire",
                "messages": [{"role": "user", "content": "hi"}],
                "stream": number % 2 == 0,
                "simulator": {"tokens": 5},
            }
            answer = await client.post("/v1/chat/completions", json=body, headers={"x-request-id": request_id})
            if answer.status_code == 200 and (number % 2 or answer.text.endswith("[DONE]\n\n")):
                answered.append(request_id)


def _request_ids(proxy: LLMProxy) -> list[str]:
    import sqlite3  # noqa: PLC0415 - only here: no command lists single lines

    store = sqlite3.connect(Path(proxy.env["DATA_DIR"]) / "usage.sqlite3")
    try:
        return [row[0] for row in store.execute("SELECT request_id FROM lines")]
    finally:
        store.close()
