"""Connections: kept, shared, given up, waited for."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

from infra.clients.http.errors import ConnectError, HttpError, ProtocolError, TotalTimeoutError
from infra.clients.http.origin import Origin
from infra.clients.http.pool import HttpPool
from tests.fakes.http_calls import LIMIT, fetch, post, until
from tests.fakes.scripted_server import Peer, scripted_server


async def echo(peer: Peer) -> None:
    """Answer every request with its number on this connection and its body."""
    number = 0
    while True:
        received = await peer.request()
        number += 1
        await peer.answer(b"%d/%d %b" % (peer.number, number, received.body))


def test_a_pool_is_made_without_a_loop() -> None:
    assert (HttpPool().busy, HttpPool().idle) == (0, 0)


async def test_a_connection_is_used_again(pool: HttpPool) -> None:
    async with scripted_server(echo) as server:
        answers = [await fetch(pool, server.origin, b"x") for _ in range(3)]
        assert answers == [b"0/1 x", b"0/2 x", b"0/3 x"]
        assert (pool.busy, pool.idle) == (0, 1)


async def test_calls_at_the_same_time_have_connections_of_their_own(pool: HttpPool) -> None:
    async with scripted_server(echo) as server:
        answers = await asyncio.gather(*(fetch(pool, server.origin, b"%d" % number) for number in range(20)))
        assert [answer.split()[1] for answer in answers] == [b"%d" % number for number in range(20)]
        assert pool.idle == len(server.peers) == 20


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_a_server_that_wants_to_close_is_believed(pool: HttpPool, head: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(head + b"ok")
        await peer.hung_up()

    async with scripted_server(behave) as server:
        assert await fetch(pool, server.origin) == b"ok"
        assert await fetch(pool, server.origin) == b"ok"
        await server.wait_gone(1)
        assert len(server.peers) == 2


@pytest.mark.parametrize("rest", [b"garbage", b"HTTP/1.", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"])
async def test_what_follows_an_answer_never_reaches_the_next_call(pool: HttpPool, rest: bytes) -> None:
    async def smuggle(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + rest)
        await peer.hung_up()

    async with scripted_server(smuggle) as server:
        assert await fetch(pool, server.origin) == b"ok"
        assert await fetch(pool, server.origin) == b"ok"
        assert len(server.peers) == 2


async def test_bytes_on_a_connection_that_stands_by_close_it(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await asyncio.sleep(0.05)
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await peer.hung_up()

    async with scripted_server(behave) as server:
        assert await fetch(pool, server.origin) == b"ok"
        await server.wait_gone()
        assert pool.idle == 0


HUGE = 40_000_000
"""Bytes of a body that no socket buffer takes at once."""


@pytest.mark.parametrize("pieces", [1, 4])
async def test_a_request_that_was_not_sent_completely_is_sent_again_once(pool: HttpPool, pieces: int) -> None:
    """The server answers one request and closes in the middle of the next one."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"%d" % peer.number)
        if peer.number == 0:
            await peer.head()

    body = os.urandom(HUGE // pieces) * pieces
    blocks = [body[start : start + HUGE // pieces] for start in range(0, HUGE, HUGE // pieces)]
    async with scripted_server(behave) as server:
        assert await fetch(pool, server.origin) == b"0"
        assert await fetch(pool, server.origin, body if pieces == 1 else blocks) == b"1"
        assert server.requests[-1].body == body
        assert len(server.peers) == 2


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_a_request_that_was_sent_completely_is_never_sent_again(pool: HttpPool, size: int) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await peer.request()

    async with scripted_server(behave) as server:
        await fetch(pool, server.origin)
        with pytest.raises(ProtocolError):
            await fetch(pool, server.origin, bytes(size))
        assert len(server.requests) == 2
        assert (pool.busy, pool.idle) == (0, 0)


async def test_a_request_on_a_fresh_connection_is_never_repeated(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()

    async with scripted_server(behave) as server:
        with pytest.raises(ProtocolError):
            await fetch(pool, server.origin)
        assert len(server.requests) == 1


async def test_the_second_attempt_is_the_last(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        if peer.number == 0:
            await peer.request()
            await peer.answer(b"ok")
        await peer.head()

    async with scripted_server(behave) as server:
        await fetch(pool, server.origin)
        with pytest.raises(HttpError):
            await fetch(pool, server.origin, bytes(HUGE))
        assert len(server.peers) == 2
        assert (pool.busy, pool.idle) == (0, 0)


async def test_an_answer_that_has_begun_is_never_repeated(pool: HttpPool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await peer.request()
        await peer.send(b"HTTP/1.1 2")

    async with scripted_server(behave) as server:
        await fetch(pool, server.origin)
        with pytest.raises(ProtocolError):
            await fetch(pool, server.origin)
        assert len(server.requests) == 2


async def test_connections_that_stand_by_expire() -> None:
    pool = HttpPool(idle_timeout=0.2)

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await peer.hung_up()

    async with scripted_server(behave) as server:
        await fetch(pool, server.origin)
        assert pool.idle == 1
        await server.wait_gone()
        assert pool.idle == 0
    await pool.close()


async def test_who_waits_for_a_place_is_served_in_turn() -> None:
    pool = HttpPool(max_connections_per_origin=2)
    async with scripted_server(echo) as server:
        order: list[int] = []

        async def call(number: int) -> None:
            await fetch(pool, server.origin, b"x")
            order.append(number)

        await asyncio.gather(*(call(number) for number in range(30)))
        assert len(server.peers) == 2
        assert all(abs(slot - number) <= 2 for slot, number in enumerate(order))
        assert (pool.busy, pool.idle) == (0, 2)
    await pool.close()


async def hold(peer: Peer) -> None:
    """Answer only when asked to ``go``."""
    while True:
        received = await peer.request()
        if received.body == b"go":
            await peer.answer(b"went")
        else:
            await peer.hung_up()


async def test_a_cancelled_waiter_does_not_take_a_place_with_it() -> None:
    pool = HttpPool(max_connections_per_origin=1)
    async with scripted_server(hold) as server:
        blocker = asyncio.create_task(fetch(pool, server.origin, b"stay"))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(fetch(pool, server.origin, b"go")) for _ in range(3)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()
        blocker.cancel()
        await asyncio.sleep(0)
        waiting[1].cancel()  # served in this very moment, or about to be
        assert await waiting[2] == b"went"
        await asyncio.gather(blocker, *waiting, return_exceptions=True)
        assert await fetch(pool, server.origin, b"go") == b"went"
        assert (pool.busy, pool.idle) == (0, 1)
    await pool.close()


@pytest.mark.parametrize("headers", [b"", b"Connection: close\r\n"])
async def test_cancelled_in_the_moment_of_being_served(headers: bytes) -> None:
    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(0.05)
            await peer.answer(b"ok", headers)

    pool = HttpPool(max_connections_per_origin=1)
    async with scripted_server(behave) as server:
        first = asyncio.create_task(fetch(pool, server.origin))
        await until(lambda: pool.busy == 1)
        second, third = (asyncio.create_task(fetch(pool, server.origin, total=2)) for _ in range(2))
        await until(lambda: pool.waiting == 2)
        waiting = pool._origin_pools[server.origin]._queue._by_owner[""]
        await until(lambda: len(waiting) == 1, pause=0)
        second.cancel()
        assert [await first, await third] == [b"ok", b"ok"]
        assert second.cancelled()
    await pool.close()


async def test_waiting_for_a_place_counts_into_the_total_time() -> None:
    pool = HttpPool(max_connections_per_origin=1)
    async with scripted_server(hold) as server:
        blocker = asyncio.create_task(fetch(pool, server.origin, b"stay"))
        await asyncio.sleep(0.05)
        with pytest.raises(TotalTimeoutError):
            await fetch(pool, server.origin, b"go", total=0.1)
        blocker.cancel()
        assert await fetch(pool, server.origin, b"go") == b"went"
    await pool.close()


async def test_failed_connections_give_their_place_back() -> None:
    pool = HttpPool(max_connections_per_origin=1)
    async with scripted_server(echo) as server:
        origin = server.origin
    for _ in range(3):
        with pytest.raises(ConnectError) as caught:
            await fetch(pool, origin)
        assert "127.0.0.1" not in caught.value.args[0]
        assert str(origin.port) not in caught.value.args[0]
    assert pool.busy == 0
    await pool.close()


async def test_closing_the_pool_ends_what_is_under_way() -> None:
    pool = HttpPool(max_connections_per_origin=1)
    async with scripted_server(hold) as server:
        calls = [asyncio.create_task(fetch(pool, server.origin, b"stay")) for _ in range(2)]
        await asyncio.sleep(0.05)
        await pool.close()
        await pool.close()
        for call in calls:
            with pytest.raises(HttpError):
                await call
        with pytest.raises(HttpError):
            await fetch(pool, server.origin)
        await server.wait_gone()


async def test_nothing_is_left_after_many_calls() -> None:
    async def behave(peer: Peer) -> None:
        while True:
            received = await peer.request()
            if received.body == b"drop":
                return
            await peer.answer(received.body)

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with scripted_server(behave) as server:
        pool = HttpPool()

        async def worker(number: int) -> None:
            for turn in range(100):
                if turn % 10 == number % 10:
                    with pytest.raises(ProtocolError):
                        await fetch(pool, server.origin, b"drop")
                elif turn % 10 == (number + 1) % 10:
                    await (await post(pool, server.origin, b"x" * 100_000)).close()
                else:
                    assert await fetch(pool, server.origin, b"x") == b"x"

        before, tasks = descriptors(), len(asyncio.all_tasks())
        await asyncio.gather(*(worker(number) for number in range(10)))
        await until(lambda: pool.busy == 0)
        assert pool.idle <= 10
        await pool.close()
        await until(lambda: descriptors() <= before and len(asyncio.all_tasks()) <= tasks)


async def test_an_answer_leaves_no_work_for_the_garbage_collector(pool: HttpPool) -> None:
    async with scripted_server(echo) as server:
        await fetch(pool, server.origin)
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                response = await post(pool, server.origin, b"x")
                await response.read(LIMIT)
            names = {"ResponseBuffer", "HttpResponse"}
            left = [thing for thing in gc.get_objects() if type(thing).__name__ in names]
            assert len(left) <= 4
        finally:
            gc.enable()


async def test_a_name_that_does_not_exist(pool: HttpPool) -> None:
    with pytest.raises(ConnectError, match="not found"):
        await fetch(pool, Origin("http", "no-such-host.invalid", 80))
