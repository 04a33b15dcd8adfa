"""Timeouts and hanging up. Nothing here asserts that something is fast, only that it ends, and how."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from infra.clients.http.errors import ConnectTimeoutError, SilenceTimeoutError, TotalTimeoutError
from infra.clients.http.origin import Origin
from infra.clients.http.pool import HttpPool
from tests.fakes.certificates import Authority
from tests.fakes.http_calls import collect, fetch, post, until
from tests.fakes.scripted_server import Peer, scripted_server

STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def mute(peer: Peer) -> None:
    await peer.request()
    await peer.hung_up()


async def drip(peer: Peer) -> None:
    await peer.request()
    await peer.send(STREAM)
    hung_up = asyncio.create_task(peer.hung_up())
    while not hung_up.done():
        await peer.send(b"1\r\nx\r\n")
        await asyncio.sleep(0.05)


async def test_a_server_that_never_answers(pool: HttpPool) -> None:
    async with scripted_server(mute) as server:
        with pytest.raises(SilenceTimeoutError):
            await fetch(pool, server.origin, silence=0.2)
        await server.wait_gone()
        assert (pool.busy, pool.idle) == (0, 0)


async def test_a_server_that_falls_silent_in_its_answer(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM + b"3\r\nabc\r\n")
        await peer.hung_up()

    async with scripted_server(behave) as server:
        response = await post(pool, server.origin, silence=0.2)
        assert await anext(response) == b"abc"
        with pytest.raises(SilenceTimeoutError):
            await anext(response)
        await server.wait_gone()


async def test_a_drip_is_not_silent_but_ends_in_total(pool: HttpPool) -> None:
    async with scripted_server(drip) as server:
        response = await post(pool, server.origin, silence=0.4, total=1.2)
        blocks: list[bytes] = []

        async def read() -> None:
            async for block in response:
                blocks.append(block)  # noqa: PERF401 - what came before the fault is kept

        with pytest.raises(TotalTimeoutError):
            await read()
        assert len(b"".join(blocks)) > 4
        await server.wait_gone()


async def test_a_total_timeout_before_the_head(pool: HttpPool) -> None:
    async with scripted_server(mute) as server:
        with pytest.raises(TotalTimeoutError):
            await fetch(pool, server.origin, total=0.2)
        await server.wait_gone()


async def test_a_timeout_on_a_kept_connection_is_not_repeated(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await mute(peer)

    async with scripted_server(behave) as server:
        await fetch(pool, server.origin)
        with pytest.raises(SilenceTimeoutError):
            await fetch(pool, server.origin, silence=0.2)
        assert len(server.peers) == 1


async def test_timeouts_hold_while_only_old_connections_stood_by(pool: HttpPool) -> None:
    """The timer that lets idle connections expire is a slow one; a new call must not wait for it."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await mute(peer)

    async with scripted_server(behave) as server:
        await fetch(pool, server.origin)
        await asyncio.sleep(0.6)
        async with asyncio.timeout(5):
            with pytest.raises(SilenceTimeoutError):
                await fetch(pool, server.origin, silence=0.2)


async def test_a_reader_that_takes_its_time_is_not_the_servers_silence(pool: HttpPool) -> None:
    body = b"x" * 3_000_000

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(body)
        await peer.hung_up()

    async with scripted_server(behave) as server:
        response = await post(pool, server.origin, silence=0.2)
        await asyncio.sleep(0.8)
        assert b"".join(await collect(response)) == body


async def test_a_tls_handshake_that_never_ends(authority: Authority) -> None:
    async def behave(peer: Peer) -> None:
        await peer.hung_up()

    pool = HttpPool(ssl_context=authority.client(), connect_timeout=0.2)
    async with scripted_server(behave) as server:
        origin = Origin("https", "localhost", server.origin.port)
        with pytest.raises(ConnectTimeoutError):
            await fetch(pool, origin)
        with pytest.raises(TotalTimeoutError):
            await fetch(pool, origin, total=0.1)
        await server.wait_gone(1)
    await pool.close()


async def test_cancelling_before_the_head_hangs_up(pool: HttpPool) -> None:
    async with scripted_server(mute) as server:
        call = asyncio.create_task(fetch(pool, server.origin))
        await asyncio.sleep(0.05)
        call.cancel()
        await server.wait_gone()
        assert (pool.busy, pool.idle) == (0, 0)
        assert call.cancelled()


async def test_cancelling_a_reader_hangs_up(pool: HttpPool) -> None:
    async with scripted_server(drip) as server:
        response = await post(pool, server.origin)
        call = asyncio.create_task(collect(response))
        await asyncio.sleep(0.1)
        call.cancel()
        await server.wait_gone()
        assert (pool.busy, pool.idle) == (0, 0)


async def test_closing_a_response_hangs_up(pool: HttpPool) -> None:
    async with scripted_server(drip) as server:
        response = await post(pool, server.origin)
        await anext(response)
        await response.close()
        await server.wait_gone()
        assert (pool.busy, pool.idle) == (0, 0)


async def test_closing_a_response_that_is_whole_keeps_the_connection(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"ok")

    async with scripted_server(behave) as server:
        await (await post(pool, server.origin)).close()
        assert (pool.busy, pool.idle) == (0, 1)


async def test_cancelling_as_the_answer_arrives_spares_the_next_call(pool: HttpPool) -> None:
    """The connection may already serve someone else when the cancelled task gets to run."""

    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"ok")

    async with scripted_server(behave) as server:
        for _ in range(20):
            call = asyncio.create_task(fetch(pool, server.origin))
            await until(lambda: pool.busy == 1, pause=0)
            await until(lambda: pool.busy == 0, pause=0)
            call.cancel()
            assert await fetch(pool, server.origin) == b"ok"
            await asyncio.gather(call, return_exceptions=True)


async def test_cancelling_while_connecting(authority: Authority) -> None:
    async def behave(peer: Peer) -> None:
        await peer.hung_up()

    pool = HttpPool(ssl_context=authority.client())
    async with scripted_server(behave) as server:
        origin = Origin("https", "localhost", server.origin.port)
        call = asyncio.create_task(fetch(pool, origin))
        await asyncio.sleep(0.1)
        call.cancel()
        await server.wait_gone()
        assert pool.busy == 0
    await pool.close()


async def test_a_loop_that_was_held_up_blames_nobody(pool: HttpPool) -> None:
    """The server answers in time, from a thread of its own, while our loop is busy with something else."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(STREAM + b"3\r\nabc\r\n")
            time.sleep(0.3)
            peer.sendall(b"3\r\ndef\r\n0\r\n\r\n")
            peer.recv(65536)

    with listener:
        server = asyncio.create_task(asyncio.to_thread(serve))
        response = await post(pool, Origin("http", "127.0.0.1", listener.getsockname()[1]), silence=0.5)
        assert await anext(response) == b"abc"
        one, other = socket.socketpair()
        with one, other:
            # Work in answer to a socket: uvloop looks at its timers right after it, before it receives what has come.
            asyncio.get_running_loop().add_reader(one, lambda: time.sleep(1.5 * len(one.recv(1))))
            other.send(b"x")
            assert await collect(response) == [b"def"]
            asyncio.get_running_loop().remove_reader(one)
        await pool.close()
        await server
