"""Detection of disconnected callers and of bodies that do not arrive in time.

One timer checks all calls, and most calls end before its first check: a call costs almost nothing.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive

_INTERVAL = 0.25
"""Seconds between checks, and the minimum age of a checked call. An upstream call must end within a second of the
disconnect: twice this is well below."""


class DisconnectMonitor:
    """Monitor of all calls in progress.

    Args:
        body_timeout: seconds for a complete body.
    """

    def __init__(self, body_timeout: float) -> None:
        self._body_timeout = body_timeout
        self._interval = min(_INTERVAL, body_timeout)
        self._watches: set[DisconnectWatch] = set()
        self._scheduled = False

    def watch(self, receive: Receive) -> DisconnectWatch:
        """Watch the call that the current task serves; ``end`` must be called on the result.

        Args:
            receive: ASGI's channel from the caller.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        watch = DisconnectWatch(receive, self._watches, now + self._body_timeout, now + self._interval)
        self._watches.add(watch)
        if not self._scheduled:
            self._scheduled = True
            loop.call_later(self._interval, self._check, loop)
        return watch

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for watch in list(self._watches):
            watch.check(now)
        self._scheduled = bool(self._watches)
        if self._scheduled:
            loop.call_later(self._interval, self._check, loop)


class DisconnectWatch:
    """A watch that cancels the task of a call when its caller disconnects or sends the body too slowly.

    Created by :meth:`DisconnectMonitor.watch`.

    Args:
        receive: ASGI's channel from the caller.
        watches: those to be checked; this one removes itself when there is nothing left to check.
        body_deadline: loop time by which the body must have arrived.
        first_check: loop time from which to wait for the disconnect.
    """

    __slots__ = (
        "_body_deadline",
        "_body_read",
        "_first_check",
        "_receive",
        "_task",
        "_waiter",
        "_watches",
        "gone",
        "late",
    )

    def __init__(
        self, receive: Receive, watches: set[DisconnectWatch], body_deadline: float, first_check: float
    ) -> None:
        self.gone = False
        """The caller disconnected, and the task was cancelled for it."""
        self.late = False
        """The body took too long, and the task was cancelled for it."""
        self._receive = receive
        self._watches = watches
        self._body_deadline = body_deadline
        self._first_check = first_check
        self._task = asyncio.current_task()
        self._body_read = False
        self._waiter: asyncio.Task[None] | None = None

    def body_read(self) -> None:
        """Note that the body is complete: the next message is the disconnect."""
        self._body_read = True

    def connected(self) -> bool:
        """Return whether the caller still waits for its answer."""
        return not (self.gone or self.late)

    def check(self, now: float) -> None:
        """Start to wait for the disconnect of a long call; cancel a call whose body is overdue."""
        if self._body_read:
            if now >= self._first_check:
                self._watches.discard(self)
                self._waiter = asyncio.create_task(self._wait_for_disconnect())
        elif now >= self._body_deadline and self._task is not None:
            self._watches.discard(self)
            self.late = True
            self._task.cancel()

    def end(self) -> None:
        """Stop watching: the response is complete or has failed."""
        self._watches.discard(self)
        if self._waiter is not None:
            self._waiter.cancel()

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self.gone = True
            self._task.cancel()
