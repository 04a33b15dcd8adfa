"""Queue of requests that wait for a connection to one origin; their owners take turns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from infra.clients.http.errors import HttpError, PoolBusyError

if TYPE_CHECKING:
    from infra.clients.http.connection import Connection

Waiter: TypeAlias = "asyncio.Future[Connection | None]"
"""Receives an idle connection, or None for the right to open one."""


class WaitQueue:
    """A bounded queue.

    Args:
        limit: maximum number of waiting requests, half of them of one owner.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limit_per_owner = limit - limit // 2
        self._by_owner: dict[str, deque[Waiter]] = {}
        self.length = 0
        self.refused = 0

    def join(self, owner: str) -> Waiter:
        """Add a request at the end of its owner's part; ``leave`` must be called.

        Raises:
            PoolBusyError: too many requests wait.
        """
        queue = self._by_owner.get(owner, deque())
        if self.length >= self._limit or len(queue) >= self._limit_per_owner:
            self.refused += 1
            raise PoolBusyError("too many requests wait for a connection")
        waiter: Waiter = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        self._by_owner[owner] = queue
        self.length += 1
        return waiter

    def next(self, eligible: Callable[[str], bool]) -> tuple[str, Waiter] | None:
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

    def leave(self, owner: str, waiter: Waiter) -> None:
        """Remove a request, served or not."""
        self.length -= 1
        queue = self._by_owner.get(owner)
        if queue is not None:
            with suppress(ValueError):
                queue.remove(waiter)
            if not queue:
                del self._by_owner[owner]

    def close(self, error: HttpError) -> None:
        """Fail all waiting requests."""
        for queue in self._by_owner.values():
            for waiter in queue:
                if not waiter.done():
                    waiter.set_exception(error)
        self._by_owner.clear()
