"""Short ways to call through an ``HttpPool``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from infra.clients.http.body import Body
from infra.clients.http.origin import Origin
from infra.clients.http.pool import HttpPool
from infra.clients.http.response import HttpResponse

LIMIT = 1 << 20


async def post(
    pool: HttpPool, origin: Origin, body: Body = b"", *, silence: float = 5, total: float = 20, path: str = "/v1/x"
) -> HttpResponse:
    """Send a POST request; returns with the head of the answer."""
    length = len(body) if isinstance(body, bytes | bytearray | memoryview) else sum(len(block) for block in body)
    head = f"POST {path} HTTP/1.1\r\nHost: {origin.authority}\r\nContent-Length: {length}\r\n\r\n"
    return await pool.request(origin, head.encode("ascii"), body, silence_timeout=silence, total_timeout=total)


async def fetch(pool: HttpPool, origin: Origin, body: Body = b"", *, silence: float = 5, total: float = 20) -> bytes:
    """Send a POST request and read the whole answer."""
    response = await post(pool, origin, body, silence=silence, total=total)
    return await response.read(LIMIT)


async def collect(response: HttpResponse) -> list[bytes]:
    """Return all blocks of a body."""
    return [block async for block in response]


async def until(condition: Callable[[], bool], *, seconds: float = 2, pause: float = 0.005) -> None:
    """Wait until a condition holds.

    Args:
        condition: what should hold.
        seconds: how long it may take.
        pause: between two looks; 0 = one turn of the loop.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(pause)
