"""A bounded queue of requests that wait for something scarce; their owners take turns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class WaitQueue(Generic[T]):
    """A queue of futures, by owner.

    Args:
        limit: maximum number of waiting requests, half of them of one owner.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limit_per_owner = limit - limit // 2
        self._by_owner: dict[str, deque[asyncio.Future[T]]] = {}
        self.length = 0
        self.refused = 0

    def join(self, owner: str) -> asyncio.Future[T] | None:
        """Add a request at the end of its owner's part, and return what it waits for; ``leave`` must be called.

        None if too many requests wait.
        """
        queue = self._by_owner.get(owner, deque())
        if self.length >= self._limit or len(queue) >= self._limit_per_owner:
            self.refused += 1
            return None
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        self._by_owner[owner] = queue
        self.length += 1
        return waiter

    def next(self, eligible: Callable[[str], bool]) -> tuple[str, asyncio.Future[T]] | None:
        """Take the first request of the owner whose turn it is, and move that owner to the end."""
        for owner in list(self._by_owner):
            if not eligible(owner):
                continue
            queue = self._by_owner.pop(owner)
            while queue:
                waiter = queue.popleft()
                if not waiter.done():
                    if queue:
                        self._by_owner[owner] = queue
                    return owner, waiter
        return None

    def leave(self, owner: str, waiter: asyncio.Future[T]) -> None:
        """Remove a request, served or not."""
        self.length -= 1
        queue = self._by_owner.get(owner)
        if queue is not None:
            with suppress(ValueError):
                queue.remove(waiter)
            if not queue:
                del self._by_owner[owner]

    def close(self, error: Exception) -> None:
        """Fail all waiting requests."""
        for queue in self._by_owner.values():
            for waiter in queue:
                if not waiter.done():
                    waiter.set_exception(error)
        self._by_owner.clear()
