"""Neither a slow reader nor a slow server makes us hold more than a little."""

from __future__ import annotations

import asyncio

import pytest

from infra.clients.http.errors import SilenceTimeoutError
from infra.clients.http.pool import HttpPool
from tests.fakes.certificates import Authority
from tests.fakes.http_calls import LIMIT, fetch, post
from tests.fakes.scripted_server import Peer, scripted_server

BLOCK = bytes(range(256)) * 256  # 64 KiB
MANY = 800  # 50 MiB


@pytest.mark.parametrize("tls", [False, True])
async def test_a_slow_reader_holds_the_server_up(authority: Authority, *, tls: bool) -> None:
    sent = 0

    async def behave(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MANY * len(BLOCK)))
        for _ in range(MANY):
            await peer.send(BLOCK)
            sent += len(BLOCK)
        await peer.request()
        await peer.answer(b"next")

    pool = HttpPool(ssl_context=authority.client())
    async with scripted_server(behave, tls=authority.server("localhost") if tls else None) as server:
        response = await post(pool, server.origin)
        await asyncio.sleep(0.5)
        assert response._buffer.size <= 800 * 1024
        assert sent < MANY * len(BLOCK) // 2  # the rest of what is under way are the kernel's buffers
        received = 0
        largest = 0
        async for block in response:
            received += len(block)
            largest = max(largest, len(block))
        assert received == MANY * len(BLOCK)
        assert largest <= 800 * 1024
        assert await fetch(pool, server.origin) == b"next"
        assert len(server.peers) == 1
    await pool.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_a_large_upload_goes_at_the_pace_of_the_server(authority: Authority, *, tls: bool) -> None:
    body = BLOCK * 320  # 20 MiB
    taken = bytearray()
    go_on = asyncio.Event()

    async def behave(peer: Peer) -> None:
        _, headers = await peer.head()
        await go_on.wait()
        while len(taken) < int(headers[b"content-length"]):
            taken.extend(await peer.reader.read(65536))
            if len(taken) % 17 == 0:
                await asyncio.sleep(0.001)
        await peer.answer(b"thanks")
        await peer.request()
        await peer.answer(b"next")

    pool = HttpPool(ssl_context=authority.client())
    async with scripted_server(behave, tls=authority.server("localhost") if tls else None) as server:
        call = asyncio.create_task(fetch(pool, server.origin, body))
        await asyncio.sleep(0.3)
        (connection,) = pool._busy
        assert connection._transport is not None
        assert connection._transport.get_write_buffer_size() <= 1 << 20
        go_on.set()
        assert await call == b"thanks"
        assert taken == body
        assert await fetch(pool, server.origin) == b"next"
        assert len(server.peers) == 1
    await pool.close()


async def test_an_upload_that_nobody_takes_is_silence(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(30)

    async with scripted_server(behave) as server:
        with pytest.raises(SilenceTimeoutError):
            await fetch(pool, server.origin, bytes(20_000_000), silence=0.3)


async def test_cancelling_an_upload_hangs_up(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.3)
        await peer.hung_up()

    async with scripted_server(behave) as server:
        call = asyncio.create_task(fetch(pool, server.origin, bytes(20_000_000)))
        await asyncio.sleep(0.1)
        call.cancel()
        await server.wait_gone()
        assert (pool.busy, pool.idle) == (0, 0)


async def test_a_refusal_before_the_body_is_sent(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.answer(b"too large", status=b"413 Content Too Large")
        await peer.hung_up()

    async with scripted_server(behave) as server:
        response = await post(pool, server.origin, bytes(20_000_000))
        assert response.status == 413
        assert await response.read(LIMIT) == b"too large"
        assert (pool.busy, pool.idle) == (0, 0)
        await server.wait_gone()


@pytest.mark.parametrize("size", [300_000, 20_000_000])
async def test_a_refusal_by_a_server_that_slams_the_door(pool: HttpPool, size: int) -> None:
    """Closing with unread data resets the connection; the answer was sent before that."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.answer(b"too large", status=b"413 Content Too Large")

    async with scripted_server(behave) as server:
        response = await post(pool, server.origin, bytes(size))
        assert (response.status, await response.read(LIMIT)) == (413, b"too large")


async def test_a_refusal_that_streams_is_read_to_its_end(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\nabc")
        await asyncio.sleep(0.05)
        await peer.send(b"def")
        await peer.hung_up()

    async with scripted_server(behave) as server:
        response = await post(pool, server.origin, bytes(20_000_000))
        assert (response.status, await response.read(LIMIT)) == (413, b"abcdef")
        await server.wait_gone()


async def test_an_early_success_does_not_stop_the_upload(pool: HttpPool) -> None:
    body = BLOCK * 100

    async def behave(peer: Peer) -> None:
        _, headers = await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        received = await peer.reader.readexactly(int(headers[b"content-length"]))
        await peer.send(b"same" if received == body else b"diff")

    async with scripted_server(behave) as server:
        assert await fetch(pool, server.origin, body) == b"same"
