"""Buffer of one response: the connection fills it, the response object reads it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from infra.clients.http.errors import HttpError


class Source(Protocol):
    """The part of the connection that a buffer uses."""

    def resume(self) -> None:
        """Resume reading: there is room again."""

    def abandon(self, buffer: ResponseBuffer) -> None:
        """Close the connection if this buffer is still its current one."""


class ResponseBuffer:
    """Buffer between a connection and the reader of its response.

    ``answered``: the head has arrived. ``ended``: nothing more will arrive, with an ``error`` if the response is
    incomplete; what arrived before the error can still be taken.
    """

    __slots__ = (
        "answered",
        "ended",
        "error",
        "headers",
        "loop",
        "paused",
        "pieces",
        "size",
        "source",
        "status",
        "waiter",
    )

    def __init__(self, source: Source, loop: asyncio.AbstractEventLoop) -> None:
        self.source: Source | None = source
        self.loop = loop
        self.headers: dict[bytes, bytes] = {}
        self.pieces: list[bytes] = []
        self.status = 0
        self.size = 0
        self.answered = False
        self.ended = False
        self.paused = False
        self.error: HttpError | None = None
        self.waiter: asyncio.Future[None] | None = None

    async def wait(self) -> None:
        """Wait until something changes. Cancellation closes the connection."""
        waiter = self.waiter = self.loop.create_future()
        try:
            await waiter
        except BaseException:
            self.abandon()
            raise
        finally:
            self.waiter = None

    def wake(self) -> None:
        """Wake the reader: something changed."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def take(self) -> bytes:
        """Take everything buffered, as one block, empty if there is nothing."""
        pieces = self.pieces
        if not pieces:
            return b""
        block = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.pieces = []
        self.size = 0
        if self.paused:
            self.paused = False
            if self.source is not None:
                self.source.resume()
        return block

    def end(self, error: HttpError | None) -> None:
        """End the response: nothing more will arrive."""
        self.ended = True
        self.error = error
        self.source = None
        self.wake()

    def abandon(self) -> None:
        """Close the connection unless everything has arrived."""
        if self.source is not None:
            self.source.abandon(self)
