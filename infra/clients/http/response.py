"""Response of an upstream: its head, and access to its body."""

from __future__ import annotations

from typing import Self

from domain.errors import UnavailableError
from infra.clients.http.decoding import Decoder, decoder_for
from infra.clients.http.errors import DecodedBodyTooLargeError, HttpError
from infra.clients.http.response_buffer import ResponseBuffer
from infra.clients.memory_budget import hold


class HttpResponse:
    """A response whose head has arrived.

    Read it to its end, with ``read`` or by iterating, or ``close`` it. Cancelling a task that waits in either closes
    the connection. The body is decoded; ``headers`` are as received, ``content-encoding`` included.

    Attributes:
        status: HTTP status code, never 1xx.
        headers: lower-case names; the values of repeated ones joined with ``", "``.
    """

    __slots__ = ("_buffer", "_decoder", "headers", "status")

    def __init__(self, buffer: ResponseBuffer) -> None:
        self.status = buffer.status
        self.headers = buffer.headers
        self._buffer = buffer
        try:
            self._decoder: Decoder | None = decoder_for(buffer.headers)
        except HttpError:
            buffer.abandon()
            raise

    @property
    def complete(self) -> bool:
        """True once everything has arrived; some of it may not have been read yet, the connection is already free."""
        return self._buffer.ended

    async def read(self, limit: int) -> bytes:
        """Read the body, or the rest of it.

        Args:
            limit: maximum size in bytes, decoded.

        Raises:
            DecodedBodyTooLargeError: the body is larger. The connection is closed.
            HttpError: the body is incomplete.
            UnavailableError: the memory budget is spent. The connection is closed.
        """
        buffer = self._buffer
        if buffer.ended and buffer.error is None and self._decoder is None:
            if buffer.size > limit:
                raise DecodedBodyTooLargeError("the body is larger than its reader's limit")
            hold(buffer.size)
            return buffer.take()
        blocks: list[bytes] = []
        size = 0
        async for block in self:
            size += len(block)
            if size > limit:
                await self.close()
                raise DecodedBodyTooLargeError("the body is larger than its reader's limit")
            try:
                hold(len(block))
            except UnavailableError:
                await self.close()
                raise
            blocks.append(block)
        return b"".join(blocks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next block, never empty: everything received by now (at most 256 KiB of an encoded body).

        Raises:
            HttpError: the body is incomplete. Raised after everything that was received.
        """
        buffer = self._buffer
        while True:
            block = buffer.take() if self._decoder is None else self._decoded(self._decoder)
            if block:
                return block
            if buffer.ended:
                if buffer.error is not None:
                    raise buffer.error
                if self._decoder is not None:
                    self._decoder.finish()
                raise StopAsyncIteration
            await buffer.wait()

    async def wait(self, seconds: float) -> bool:
        """Wait until more has arrived, or the body has ended; False if neither happens in time.

        Reading can go on afterwards, unlike after the cancellation of a task that reads.
        """
        buffer = self._buffer
        if buffer.pieces or buffer.ended:
            return True
        timer = buffer.loop.call_later(seconds, buffer.wake)
        try:
            await buffer.wait()
        finally:
            timer.cancel()
        return bool(buffer.pieces) or buffer.ended

    async def close(self) -> None:
        """Close the connection unless everything has arrived. Safe to repeat."""
        self._buffer.abandon()

    def _decoded(self, decoder: Decoder) -> bytes:
        try:
            block = decoder.take()
            if block:
                return block
            data = self._buffer.take()
            if data:
                decoder.feed(data)
                return decoder.take()
        except HttpError:
            self._buffer.abandon()
            raise
        return b""
