"""Sharing of the connections to one origin between projects, and of the queue for them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.clients.http.errors import PoolBusyError
from infra.clients.http.pool import HttpPool
from infra.clients.memory_budget import ALLOWANCE, Allowance, MemoryBudget
from tests.fakes.http_calls import fetch, until
from tests.fakes.scripted_server import Peer, ScriptedServer, scripted_server

BUDGET = MemoryBudget(1 << 30)


async def slow(peer: Peer) -> None:
    while True:
        await peer.request()
        await asyncio.sleep(0.02)
        await peer.answer(b"ok")


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.hung_up()


async def call(pool: HttpPool, server: ScriptedServer, owner: str, order: list[str] | None = None) -> bytes:
    ALLOWANCE.set(Allowance(BUDGET, owner))
    body = await fetch(pool, server.origin)
    if order is not None:
        order.append(owner)
    return body


@asynccontextmanager
async def serving(behave: object, **limits: float) -> AsyncIterator[tuple[HttpPool, ScriptedServer]]:
    pool = HttpPool(**limits)  # type: ignore[arg-type]  # whole numbers and seconds
    async with scripted_server(behave) as server:  # type: ignore[arg-type]
        yield pool, server
        await pool.close()


async def test_projects_take_turns_whatever_each_has_waiting() -> None:
    async with serving(slow, max_connections_per_origin=2) as (pool, server):
        order: list[str] = []
        many = [asyncio.create_task(call(pool, server, "many", order)) for _ in range(60)]
        await until(lambda: pool.waiting > 50)
        few = [asyncio.create_task(call(pool, server, name, order)) for name in ("b", "c") for _ in range(5)]
        await asyncio.gather(*many, *few)
    last = max(place for place, owner in enumerate(order) if owner != "many")
    assert last < 25
    assert Counter(order) == {"many": 60, "b": 5, "c": 5}
    assert (pool.waiting, pool.refused) == (0, 0)


async def test_one_project_leaves_connections_to_others() -> None:
    async with serving(silent, max_connections_per_origin=20) as (pool, server):
        hogs = [asyncio.create_task(call(pool, server, "hog")) for _ in range(40)]
        await until(lambda: pool.busy == 18)
        other = asyncio.create_task(call(pool, server, "other"))
        await until(lambda: pool.busy == 19)
        assert pool.waiting == 22
        for task in (*hogs, other):
            task.cancel()
        await asyncio.gather(*hogs, other, return_exceptions=True)
        assert (pool.busy, pool.waiting) == (0, 0)
        idle = pool._origin_pools[server.origin]
        assert (idle._slots, dict(idle._in_use), idle._queue._by_owner) == (0, {}, {})


async def test_the_queue_is_bounded_and_one_project_fills_half_of_it() -> None:
    async with serving(silent, max_connections_per_origin=1, max_waiting_per_origin=6) as (pool, server):
        tasks = [asyncio.create_task(call(pool, server, "hog")) for _ in range(4)]
        await until(lambda: pool.waiting == 3)
        with pytest.raises(PoolBusyError):
            await call(pool, server, "hog")
        tasks += [asyncio.create_task(call(pool, server, name)) for name in ("a", "b", "c")]
        await until(lambda: pool.waiting == 6)
        with pytest.raises(PoolBusyError):
            await call(pool, server, "d")
        assert pool.refused == 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_nobody_waits_longer_than_the_wait_timeout() -> None:
    async with serving(silent, max_connections_per_origin=1, wait_timeout=0.1) as (pool, server):
        hog = asyncio.create_task(call(pool, server, "hog"))
        await until(lambda: pool.busy == 1)
        with pytest.raises(PoolBusyError):
            await call(pool, server, "other")
        hog.cancel()
        await asyncio.gather(hog, return_exceptions=True)
        assert pool.waiting == 0


async def test_any_mixture_of_calls_and_cancellations_leaves_nothing_behind() -> None:
    async with serving(slow, max_connections_per_origin=3, max_waiting_per_origin=30) as (pool, server):
        for round_ in range(6):
            tasks = [asyncio.create_task(call(pool, server, f"p{number % 4}")) for number in range(24)]
            await asyncio.sleep(0.01 * round_)
            for task in tasks[round_::5]:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(each) for each in done} <= {bytes, asyncio.CancelledError}
        origin = pool._origin_pools[server.origin]
        assert (pool.busy, pool.waiting, dict(origin._in_use), origin._queue._by_owner) == (0, 0, {}, {})
        assert origin._slots == pool.idle <= 3
