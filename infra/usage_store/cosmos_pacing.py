"""Concurrent writes at the pace that a throttled service accepts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from heapq import heappop, heappush
from typing import Any

from application.errors import StoreUnavailableError
from infra.clients.cosmos_errors import StoreThrottledError

_FIRST, _FEWEST, _MOST = 16, 2, 64
_RETRY_SECONDS = 0.1
_SHRINK = 0.8

Item = dict[str, Any]


class PacedWriter:
    """Adapts the number of concurrent writes: one more for each round that succeeds, a fifth less for each refusal.

    A refused write waits as long as the service asks, without keeping others from being tried. Only a lack of any
    progress ends a batch.

    Args:
        write: writes one item.
        patience: seconds without any progress after which a batch fails.
    """

    def __init__(self, write: Callable[[Item], Awaitable[None]], patience: float) -> None:
        self._write = write
        self._patience = patience
        self._window = float(_FIRST)
        self._next_shrink = 0.0

    async def write_all(self, items: Iterable[Item], written: set[str]) -> None:
        """Write every item; ids of written ones are added to ``written``, also if this raises.

        Raises:
            StoreUnavailableError: no item could be written any more.
        """
        batch = _Batch(self, deque(items), written)
        try:
            await batch.run(self._patience)
        finally:
            await batch.cancel()

    @property
    def width(self) -> int:
        """Number of writes to have under way."""
        return int(self._window)

    async def write(self, item: Item) -> None:
        """Write one item."""
        await self._write(item)

    def succeeded(self) -> None:
        """Widen the window."""
        self._window = min(_MOST, self._window + 1 / self._window)

    def refused(self, retry_after: float) -> None:
        """Narrow the window, once for all refusals that belong together."""
        now = asyncio.get_running_loop().time()
        if now >= self._next_shrink:
            self._window = max(_FEWEST, self._window * _SHRINK)
            self._next_shrink = now + max(retry_after, _RETRY_SECONDS)


class _Batch:
    def __init__(self, writer: PacedWriter, ready: deque[Item], written: set[str]) -> None:
        self._writer = writer
        self._ready = ready
        self._written = written
        self._delayed: list[tuple[float, int, Item]] = []
        self._under_way: dict[asyncio.Task[None], Item] = {}
        self._failures = 0
        self._refusals = 0

    async def run(self, patience: float) -> None:
        loop = asyncio.get_running_loop()
        progress = loop.time()
        while self._ready or self._delayed or self._under_way:
            while self._delayed and self._delayed[0][0] <= loop.time():
                self._ready.append(heappop(self._delayed)[2])
            while self._ready and len(self._under_way) < self._writer.width:
                item = self._ready.popleft()
                self._under_way[asyncio.create_task(self._writer.write(item))] = item
            pause = max(self._delayed[0][0] - loop.time(), 0) if self._delayed else None
            if not self._under_way:
                await asyncio.sleep(pause or 0)
                continue
            done, _ = await asyncio.wait(self._under_way, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if self._settle(task, loop.time()):
                    progress = loop.time()
                elif loop.time() - progress > patience:
                    task.result()

    async def cancel(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _settle(self, task: asyncio.Task[None], now: float) -> bool:
        """Return whether the item is written; arrange for another attempt if not.

        Raises:
            Exception: another attempt is of no use.
        """
        item = self._under_way.pop(task)
        error = task.exception()
        if error is None:
            self._written.add(item["id"])
            self._writer.succeeded()
            self._failures = 0
            return True
        if not isinstance(error, StoreUnavailableError):
            raise error
        delay = _RETRY_SECONDS
        if isinstance(error, StoreThrottledError):
            delay = error.retry_after
            self._writer.refused(delay)
        else:
            self._failures += 1
            left = 1 + len(self._ready) + len(self._delayed) + len(self._under_way)
            if self._failures >= min(_FIRST, left):
                raise error
        self._refusals += 1
        heappush(self._delayed, (now + delay, self._refusals, item))
        return False
