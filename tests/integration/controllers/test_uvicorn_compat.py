"""Time limits for the head of a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from infra.controllers.uvicorn_compat import GuardedProtocol

_PATIENCE = 1


async def _slow_app(_scope: Scope, _receive: Receive, send: Send) -> None:
    await asyncio.sleep(_PATIENCE * 2)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(
        _slow_app,
        port=0,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        timeout_keep_alive=_PATIENCE,
        log_config=None,
    )
    listener = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


@pytest.mark.parametrize("begun", [b"", b"GET /", b"GET / HTTP/1.1\r\nhost: a"])
async def test_a_caller_who_never_completes_a_head_is_let_go(port: int, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    for _ in range(2):
        await asyncio.sleep(_PATIENCE / 3)
        writer.write(b"x" if begun else b"")  # now and then a byte does not help
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_a_slow_answer_is_waited_for(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
    writer.close()
