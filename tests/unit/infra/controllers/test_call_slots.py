"""Slots of calls: never more than the limit, none lost, and projects that take turns."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from domain.errors import OverloadedError
from infra.controllers.call_slots import CallSlots


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_projects_take_turns() -> None:
    slots = CallSlots(1, 100, 60)
    assert slots.enter("first")
    order: list[str] = []

    async def call(project: str) -> None:
        await slots.wait(project)
        order.append(project)
        slots.leave(project)

    flood = [asyncio.create_task(call("flood")) for _ in range(20)]
    await settle()
    others = [asyncio.create_task(call(name)) for name in ("second", "third")]
    await settle()
    slots.leave("first")
    await asyncio.gather(*flood, *others)
    assert order[:3] == ["flood", "second", "third"]
    assert slots.facts() == {"under_way": 0, "limit": 1, "waiting": 0, "refused": 0}


async def test_one_project_leaves_slots_and_places_to_others() -> None:
    slots = CallSlots(10, 4, 60)
    assert [slots.enter("flood") for _ in range(11)] == [True] * 9 + [False] * 2
    waiting = [asyncio.create_task(slots.wait("flood")) for _ in range(2)]
    await settle()
    with pytest.raises(OverloadedError) as refused:
        await slots.wait("flood")
    assert refused.value.retry_after == 1
    assert slots.enter("other")
    late = asyncio.create_task(slots.wait("other"))
    await settle()
    slots.leave("other")
    await late
    slots.leave("flood")
    await settle()
    assert [task.done() for task in waiting] == [True, False]
    waiting[1].cancel()


async def test_who_waits_too_long_is_refused_and_holds_nothing() -> None:
    slots = CallSlots(1, 1, 0.01)
    assert slots.enter("a")
    with pytest.raises(OverloadedError):
        await slots.wait("b")
    slots.leave("a")
    assert slots.enter("b")


async def test_the_limit_holds_and_no_slot_is_lost_whoever_cancels() -> None:
    slots = CallSlots(3, 50, 60)
    chance = random.Random(7)
    running = most = 0

    async def call(project: str) -> None:
        nonlocal running, most
        if not slots.enter(project):
            await slots.wait(project)
        running += 1
        most = max(most, running)
        try:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        finally:
            running -= 1
            slots.leave(project)

    tasks = []
    for _ in range(2000):
        tasks.append(asyncio.create_task(call(chance.choice("abcd"))))
        if chance.random() < 0.5:
            chance.choice(tasks[-20:]).cancel()
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, OverloadedError):
            await task
    assert most == 3
    assert slots.facts()["under_way"] == slots.facts()["waiting"] == 0
