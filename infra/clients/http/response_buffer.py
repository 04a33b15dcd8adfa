"""One request and what has arrived of its answer: the connection fills it, the response empties it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from infra.clients.http.errors import HttpError


class Source(Protocol):
    """The connection, as far as an buffer needs it."""

    def resume(self) -> None:
        """Read on: there is room again."""

    def abandon(self, buffer: ResponseBuffer) -> None:
        """Hang up now if this buffer is still the connection's own."""


class ResponseBuffer:
    """The buffer between a connection and the reader of its answer.

    ``answered`` = the head has arrived; ``ended`` = nothing more will arrive, ``error`` says whether that is a fault.
    What arrived before a fault is still there to be taken.
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
        """Wait until something changes. When cancelled, the server sees us hang up."""
        waiter = self.waiter = self.loop.create_future()
        try:
            await waiter
        except BaseException:
            self.abandon()
            raise
        finally:
            self.waiter = None

    def wake(self) -> None:
        """Something changed."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def take(self) -> bytes:
        """Everything buffered, as one block; empty = nothing. Makes room for more."""
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
        """Nothing more will arrive."""
        self.ended = True
        self.error = error
        self.source = None
        self.wake()

    def abandon(self) -> None:
        """Hang up unless everything has arrived."""
        if self.source is not None:
            self.source.abandon(self)
