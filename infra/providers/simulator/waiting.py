"""Waiting as long as the gateway would wait for an upstream."""

from __future__ import annotations

import asyncio

from domain.errors import UpstreamTimeoutError


async def pause(seconds: float, silence: float | None) -> None:
    """Wait.

    Args:
        seconds: how long.
        silence: how long the gateway waits; ``None`` = for ever.

    Raises:
        UpstreamTimeoutError: that is not long enough.
    """
    if silence is not None and seconds > silence:
        await stall(silence)
    if seconds > 0:
        await asyncio.sleep(seconds)


async def stall(silence: float | None) -> None:
    """Say nothing, for ever or for as long as the gateway waits.

    Raises:
        UpstreamTimeoutError: always, if it ends at all.
    """
    if silence is None:
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(silence)
    raise UpstreamTimeoutError(reason="simulated: silence")
