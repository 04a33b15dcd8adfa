"""What a call returns: the head of the answer and a way to its body."""

from __future__ import annotations

from typing import Self

from infra.clients.http.decoding import Decoder, decoder_for
from infra.clients.http.errors import DecodedBodyTooLargeError, HttpError
from infra.clients.http.response_buffer import ResponseBuffer


class HttpResponse:
    """An answer whose head has arrived.

    Read it to its end, with ``read`` or by iterating, or ``close`` it. Cancelling a task that waits in either hangs
    up. The body comes decoded; ``headers`` are as sent, ``content-encoding`` included.

    Attributes:
        status: HTTP status code, never 1xx.
        headers: lower-case names; the values of repeated ones joined with ``", "``.
    """

    __slots__ = ("_decoder", "_exchange", "headers", "status")

    def __init__(self, buffer: ResponseBuffer) -> None:
        self.status = buffer.status
        self.headers = buffer.headers
        self._exchange = buffer
        try:
            self._decoder: Decoder | None = decoder_for(buffer.headers)
        except HttpError:
            buffer.abandon()
            raise

    @property
    def complete(self) -> bool:
        """Whether nothing more will arrive: what did may still wait to be read, the connection is already free."""
        return self._exchange.ended

    async def read(self, limit: int) -> bytes:
        """The whole body, or the rest of it.

        Args:
            limit: most bytes that are wanted, decoded.

        Raises:
            DecodedBodyTooLargeError: the body is larger. The connection is closed.
            HttpError: the body did not arrive whole.
        """
        buffer = self._exchange
        if buffer.ended and buffer.error is None and self._decoder is None:
            if buffer.size > limit:
                raise DecodedBodyTooLargeError("the body is larger than its reader allows")
            return buffer.take()
        blocks: list[bytes] = []
        size = 0
        async for block in self:
            size += len(block)
            if size > limit:
                await self.close()
                raise DecodedBodyTooLargeError("the body is larger than its reader allows")
            blocks.append(block)
        return b"".join(blocks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next block, never empty: all that has arrived by now (at most 256 KiB at once of an encoded body).

        Raises:
            HttpError: the body did not arrive whole. Raised after everything that did arrive.
        """
        buffer = self._exchange
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

    async def close(self) -> None:
        """Hang up unless everything has arrived. Safe to repeat."""
        self._exchange.abandon()

    def _decoded(self, decoder: Decoder) -> bytes:
        try:
            block = decoder.take()
            if block:
                return block
            data = self._exchange.take()
            if data:
                decoder.feed(data)
                return decoder.take()
        except HttpError:
            self._exchange.abandon()
            raise
        return b""
