"""What a call returns: the head of the answer and a way to its body."""

from __future__ import annotations

from typing import Self

from infra.clients.http.decoding import Decoder, decoder_for
from infra.clients.http.errors import BodyTooLargeError, HttpError
from infra.clients.http.exchange import Exchange


class HttpResponse:
    """An answer whose head has arrived.

    Read it to its end, with ``read`` or by iterating, or ``close`` it. Cancelling a task that waits in either hangs
    up. The body comes decoded; ``headers`` are as sent, ``content-encoding`` included.

    Attributes:
        status: HTTP status code, never 1xx.
        headers: lower-case names; the values of repeated ones joined with ``", "``.
    """

    __slots__ = ("_decoder", "_exchange", "headers", "status")

    def __init__(self, exchange: Exchange) -> None:
        self.status = exchange.status
        self.headers = exchange.headers
        self._exchange = exchange
        try:
            self._decoder: Decoder | None = decoder_for(exchange.headers)
        except HttpError:
            exchange.abandon()
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
            BodyTooLargeError: the body is larger. The connection is closed.
            HttpError: the body did not arrive whole.
        """
        exchange = self._exchange
        if exchange.ended and exchange.error is None and self._decoder is None:
            if exchange.size > limit:
                raise BodyTooLargeError("the body is larger than its reader allows")
            return exchange.take()
        blocks: list[bytes] = []
        size = 0
        async for block in self:
            size += len(block)
            if size > limit:
                await self.close()
                raise BodyTooLargeError("the body is larger than its reader allows")
            blocks.append(block)
        return b"".join(blocks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next block, never empty: all that has arrived by now (at most 256 KiB at once of an encoded body).

        Raises:
            HttpError: the body did not arrive whole. Raised after everything that did arrive.
        """
        exchange = self._exchange
        while True:
            block = exchange.take() if self._decoder is None else self._decoded(self._decoder)
            if block:
                return block
            if exchange.ended:
                if exchange.error is not None:
                    raise exchange.error
                if self._decoder is not None:
                    self._decoder.finish()
                raise StopAsyncIteration
            await exchange.wait()

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
