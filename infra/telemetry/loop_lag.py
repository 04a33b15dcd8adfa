"""Lag of the event loop: the time for which other calls had to wait while one was being processed."""

from __future__ import annotations

import asyncio
from collections import deque

_INTERVAL = 0.5
"""Seconds between two measurements."""
_KEPT = 60
"""Measurements that are remembered: half a minute."""


class LoopLag:
    """Measures by how much a timer of the event loop is late. Started by :meth:`start`, for good."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=_KEPT)

    def start(self) -> None:
        """Begin to measure on the running loop."""
        self._schedule(asyncio.get_running_loop())

    def longest(self) -> float:
        """Return the longest delay of the last half minute, seconds."""
        return max(self._lags, default=0.0)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(_INTERVAL, self._measure, loop, loop.time() + _INTERVAL)

    def _measure(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._lags.append(max(loop.time() - due, 0.0))
        self._schedule(loop)
