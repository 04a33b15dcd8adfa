"""Comments in silent streams, so that load balancers between the caller and the proxy do not close the connection.

One timer serves all streams, and most streams end before it looks at them: a stream costs almost nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from application.serving.use_case import ErrorDetail
from infra.controllers.asgi_response import Response


class KeepAlive:
    """The streams of a process.

    Args:
        interval: seconds of silence after which a comment is sent.
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._step = min(1.0, interval / 4)
        self._streams: set[SilentStream] = set()
        self._scheduled = False

    def watch(self, response: Response, failure: Callable[[ErrorDetail], bytes] | None = None) -> SilentStream:
        """Send comments whenever a stream is silent; ``end`` must be called on the result.

        Args:
            response: to the caller.
            failure: formats an error event of a stream that has no content yet. If given, a stream that has not begun
                in time is begun without content; errors are then reported inside it.
        """
        loop = asyncio.get_running_loop()
        stream = SilentStream(response, failure, self._streams, loop.time())
        self._streams.add(stream)
        if not self._scheduled:
            self._scheduled = True
            loop.call_later(self._step, self._check, loop)
        return stream

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = bool(self._streams)
        if self._scheduled:  # first, so that no failure below ends the checks
            loop.call_later(self._step, self._check, loop)
        now = loop.time()
        for stream in list(self._streams):
            stream.check(now, self.interval)


class SilentStream:
    """A stream that may be silent. Created by :meth:`KeepAlive.watch`.

    Args:
        response: to the caller.
        failure: see there.
        streams: all that are watched; this one removes itself when it ends.
        now: loop time.
    """

    __slots__ = ("_blocks", "_failure", "_response", "_since", "_streams")

    def __init__(
        self,
        response: Response,
        failure: Callable[[ErrorDetail], bytes] | None,
        streams: set[SilentStream],
        now: float,
    ) -> None:
        self._response = response
        self._failure = failure
        self._streams = streams
        self._blocks = 0
        self._since = now

    def check(self, now: float, interval: float) -> None:
        """Send a comment, or begin the stream with one, if it has been silent for this long."""
        response = self._response
        if response.blocks != self._blocks:
            self._blocks, self._since = response.blocks, now
        elif now - self._since >= interval:
            self._since = now
            if response.started or self._failure is not None:
                response.comment(self._failure)

    def end(self) -> None:
        """Stop watching: the stream has ended."""
        self._streams.discard(self)
