"""The one timer behind every watched call."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive

from infra.controllers.openai.disconnects import DisconnectMonitor, DisconnectWatch


async def _hung_up() -> Message:
    return {"type": "http.disconnect"}


async def _silent() -> Message:
    return await asyncio.Event().wait()  # type: ignore[return-value]  # never comes back


async def _call(lookout: DisconnectMonitor, receive: Receive, *, body_read: bool = True) -> DisconnectWatch:
    """Serve a call that never ends unless the monitor cancels it."""
    watch = lookout.watch(receive)
    if body_read:
        watch.body_read()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not (watch.gone or watch.late):
            raise
    finally:
        watch.end()
    return watch


async def test_the_caller_who_hangs_up_is_the_one_whose_call_ends() -> None:
    lookout = DisconnectMonitor(body_timeout=60)
    stays = asyncio.create_task(_call(lookout, _silent))
    watch = await _call(lookout, _hung_up)
    assert (watch.gone, watch.late, stays.done()) == (True, False, False)
    stays.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stays


async def test_a_body_that_does_not_arrive_ends_the_call() -> None:
    watch = await _call(DisconnectMonitor(body_timeout=0.01), _silent, body_read=False)
    assert (watch.gone, watch.late) == (False, True)


async def test_calls_after_a_pause_are_looked_after_too() -> None:
    lookout = DisconnectMonitor(body_timeout=0.01)
    lookout.watch(_silent).end()
    await asyncio.sleep(0.05)  # the look that finds nobody
    assert (await _call(lookout, _silent, body_read=False)).late
