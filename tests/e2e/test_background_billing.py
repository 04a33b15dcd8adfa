"""Background responses are charged although nobody fetches them: left, never fetched, deleted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.llmproxy_server import Simulator as SimulatorProcess
from tests.fakes.processes import wait_until
from tests.fakes.scripted_server import Peer, scripted_server


@pytest.fixture
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: SimulatorProcess) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path_factory.mktemp("background"), upstream("thinker", simulator.url, operations=["Responses"]))
    yield made
    assert "internal error" not in made.logs()
    made.stop()


def ask(proxy: LLMProxy, **members: object) -> httpx.Response:
    body = {"model": "thinker", "input": "Think of a number.", "background": True} | members
    return httpx.post(f"{proxy.url}/v1/responses", json=body, headers={"api-key": proxy.key}, timeout=30)


def charged(proxy: LLMProxy) -> dict[str, int]:
    """Return the project's usage once output has been charged."""
    wait_until(lambda: sum(row["output_tokens"] for row in proxy.usage()) > 0, 20, "the charge")
    (row,) = proxy.usage()
    return row


def test_a_response_that_nobody_fetches_is_charged_once(proxy: LLMProxy) -> None:
    made = ask(proxy).json()
    row = charged(proxy)
    headers = {"api-key": proxy.key}
    fetched = httpx.get(f"{proxy.url}/v1/responses/{made['id']}", headers=headers, timeout=30).json()
    assert row["output_tokens"] == fetched["usage"]["output_tokens"]
    assert charged(proxy) == row


def test_a_stream_that_its_caller_left_is_charged(proxy: LLMProxy) -> None:
    body = {"model": "thinker", "input": "Tell me a long story.", "background": True, "stream": True}
    headers = {"api-key": proxy.key}
    with httpx.stream("POST", f"{proxy.url}/v1/responses", json=body, headers=headers) as response:
        for text in response.iter_lines():
            if text.startswith("data:") and json.loads(text[5:])["type"] != "response.queued":
                break
    assert charged(proxy)["input_tokens"] > 0


def test_a_response_that_is_deleted_is_charged_before(proxy: LLMProxy) -> None:
    made = ask(proxy).json()
    headers = {"api-key": proxy.key}
    assert httpx.delete(f"{proxy.url}/v1/responses/{made['id']}", headers=headers, timeout=30).status_code == 200
    assert charged(proxy)["output_tokens"] > 0


@pytest.mark.parametrize("usage", [None, {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}])
async def test_a_response_that_fails_later_is_recorded_as_failed(tmp_path: Path, usage: object) -> None:
    """Once, whether or not the upstream reports what it used."""
    made = {"id": "resp_1", "object": "response", "background": True, "created_at": int(time.time()), "output": []}
    failed = {**made, "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "no"}, "usage": usage}

    async def upstream_that_fails(peer: Peer) -> None:
        while True:
            request = await peer.request()
            body = {**made, "status": "queued"} if request.line.startswith(b"POST") else failed
            await peer.answer(json.dumps(body).encode(), b"Content-Type: application/json\r\n")

    async with scripted_server(upstream_that_fails) as server:
        document = upstream("thinker", f"http://127.0.0.1:{server.origin.port}/v1", operations=["Responses"])
        proxy = await asyncio.to_thread(LLMProxy, tmp_path, document)
        try:
            answer = await asyncio.to_thread(ask, proxy)
            address, headers = f"{proxy.url}/v1/responses/{answer.json()['id']}", {"api-key": proxy.key}
            for _ in range(2):
                fetched = await asyncio.to_thread(httpx.get, address, headers=headers, timeout=30)
                assert fetched.json()["status"] == "failed"
            await asyncio.to_thread(wait_until, lambda: any(row["failed"] for row in proxy.usage()), 20, "the line")
            (row,) = await asyncio.to_thread(proxy.usage)
        finally:
            await asyncio.to_thread(proxy.stop)
    assert (row["calls"], row["failed"]) == (2, 1)  # its acceptance, and its result
    assert (row["input_tokens"], row["output_tokens"]) == ((9, 4) if usage else (0, 0))
