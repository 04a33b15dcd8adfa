"""Two thousand streams at once, and memory that does not grow with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.llmproxy_server import LLMProxy, simulated

STREAMS = 2000


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("sim"))
    yield made
    made.stop()


async def test_two_thousand_open_streams(proxy: LLMProxy) -> None:
    order = {"tokens": 6, "tps": 1.5}
    body = json.dumps(
        {"model": "sim", "stream": True, "messages": [{"role": "user", "content": "hi"}], "simulator": order}
    ).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\napi-key: {proxy.key}\r\nconnection: close\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode()
    begun = 0
    all_begun = asyncio.Event()

    async def one() -> bytes:
        nonlocal begun
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(head + body)
        received = await reader.readuntil(b"\n\n")
        begun += 1
        if begun == STREAMS:
            all_begun.set()
        received += await reader.read()
        writer.close()
        return received

    async with asyncio.timeout(90):
        streams = [asyncio.create_task(one()) for _ in range(STREAMS)]
        done = await asyncio.gather(*streams)
    assert all(stream.startswith(b"HTTP/1.1 200") for stream in done)
    assert all(b"data: [DONE]" in stream for stream in done)
