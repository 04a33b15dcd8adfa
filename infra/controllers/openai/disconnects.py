"""Keeping an eye on the callers: whether their bodies arrive in time, and whether anybody still listens.

Most calls are over before the first look, and one look is for all of them: so a call pays for next to nothing.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive

_INTERVAL = 0.25
"""Seconds between two looks, and the least age of a call that is looked at: twice this is well below the second within
which an upstream call must end."""


class DisconnectMonitor:
    """Looks after every call under way, for as long as there is one.

    Args:
        body_timeout: seconds for a whole body.
    """

    def __init__(self, body_timeout: float) -> None:
        self._body_timeout = body_timeout
        self._interval = min(_INTERVAL, body_timeout)
        self._watched: set[DisconnectWatch] = set()
        self._looking = False

    def watch(self, receive: Receive) -> DisconnectWatch:
        """Begin to look after the call that the current task serves; ``end`` must be called on what is returned.

        Args:
            receive: ASGI's channel from the caller.
        """
        loop = asyncio.get_running_loop()
        watch = DisconnectWatch(receive, self._watched, loop.time() + self._body_timeout, loop.time() + self._interval)
        self._watched.add(watch)
        if not self._looking:
            self._looking = True
            loop.call_later(self._interval, self._look, loop)
        return watch

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for watch in list(self._watched):
            watch.look(now)
        self._looking = bool(self._watched)
        if self._looking:
            loop.call_later(self._interval, self._look, loop)


class DisconnectWatch:
    """Cancels the task that serves a call when its caller hangs up, or is too slow with the body.

    Made by :meth:`DisconnectMonitor.watch`.

    Args:
        receive: ASGI's channel from the caller.
        watches: those that are looked at; this one leaves them when there is nothing more to look at.
        body_deadline: when the body must have arrived, on the loop's clock.
        first_look: when it is worth while to listen whether the caller is gone.
    """

    __slots__ = (
        "_body_deadline",
        "_body_read",
        "_first_look",
        "_listener",
        "_receive",
        "_task",
        "_watched",
        "gone",
        "late",
    )

    def __init__(
        self, receive: Receive, watches: set[DisconnectWatch], body_deadline: float, first_look: float
    ) -> None:
        self.gone = False
        """The caller hung up, and the task was cancelled for it."""
        self.late = False
        """The body took too long, and the task was cancelled for it."""
        self._receive = receive
        self._watched = watches
        self._body_deadline = body_deadline
        self._first_look = first_look
        self._task = asyncio.current_task()
        self._body_read = False
        self._listener: asyncio.Task[None] | None = None

    def body_read(self) -> None:
        """From now on the channel carries nothing but the news that the caller is gone."""
        self._body_read = True

    def look(self, now: float) -> None:
        """Listen from now on, if the call has taken a while; end it, if its body is overdue."""
        if self._body_read:
            if now >= self._first_look:
                self._watched.discard(self)
                self._listener = asyncio.create_task(self._listen())
        elif now >= self._body_deadline and self._task is not None:
            self._watched.discard(self)
            self.late = True
            self._task.cancel()

    def end(self) -> None:
        """Stop watching; the answer is complete or has failed."""
        self._watched.discard(self)
        if self._listener is not None:
            self._listener.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self.gone = True
            self._task.cancel()
