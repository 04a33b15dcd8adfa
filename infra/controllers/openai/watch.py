"""Keeping an eye on one caller: whether the body arrives in time, and whether anybody still listens.

Most calls are over before the first look, so they pay for one timer and nothing else.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive

_FIRST_LOOK = 0.25
"""Seconds after which a call is watched: well below the second within which an upstream call must end."""


class Watch:
    """Cancels the task that serves a call when its caller hangs up, or is too slow with the body.

    Args:
        receive: ASGI's channel from the caller.
        body_timeout: seconds for the whole body.
    """

    __slots__ = ("_body_deadline", "_body_read", "_listener", "_loop", "_receive", "_task", "_timer", "gone", "late")

    def __init__(self, receive: Receive, body_timeout: float) -> None:
        self.gone = False
        """The caller hung up, and the task was cancelled for it."""
        self.late = False
        """The body took too long, and the task was cancelled for it."""
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._body_read = False
        self._body_deadline = self._loop.time() + body_timeout
        self._listener: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(min(_FIRST_LOOK, body_timeout), self._look)

    def body_read(self) -> None:
        """From now on the channel carries nothing but the news that the caller is gone."""
        self._body_read = True

    def end(self) -> None:
        """Stop watching; the answer is complete or has failed."""
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()

    def _look(self) -> None:
        if self._body_read:
            self._listener = self._loop.create_task(self._listen())
            return
        left = self._body_deadline - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(min(_FIRST_LOOK, left), self._look)
        elif self._task is not None:
            self.late = True
            self._task.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._task is not None:
            self.gone = True
            self._task.cancel()
