"""One connection to an upstream: a request at a time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Protocol, cast

from infra.clients.http.body import PIECE, Body, pieces
from infra.clients.http.errors import (
    HttpError,
    ProtocolError,
    SilenceTimeoutError,
    StaleConnectionError,
    TotalTimeoutError,
)
from infra.clients.http.parsing import AnswerParser
from infra.clients.http.response_buffer import ResponseBuffer

_BUFFER = 256 * 1024  # bytes of one answer that may wait for their reader before the server is held up
_ERROR_STATUS = 300


class Owner(Protocol):
    """The pool, as far as a connection needs it."""

    def started(self, connection: Connection) -> None:
        """A request is on its way."""

    def finished(self, connection: Connection, *, reusable: bool) -> None:
        """The buffer is over. The connection, unless reusable, is closed and its slot free."""

    def stale(self, connection: Connection) -> None:
        """The connection is closed, but its slot still belongs to the request."""

    def lost(self, connection: Connection) -> None:
        """The socket is closed."""


class Connection(asyncio.Protocol):
    """Sends a request, receives its answer, and is then ready for the next, or closed."""

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self._parser = AnswerParser()
        self._transport: asyncio.Transport | None = None
        self._exchange: ResponseBuffer | None = None
        self._deadline = self._silence = self._last_change = 0.0
        self._blocked = self._heard = self._reused = self._sending = False
        self._unsent = 0
        self.idle_since = 0.0
        self.lost = False

    async def converse(self, head: bytes, body: Body, silence: float, deadline: float) -> ResponseBuffer:
        """Send a request and wait for the head of its answer.

        Args:
            head: request line and headers with the final blank line.
            body: what follows; its length is what the head says.
            silence: seconds without a byte in either direction after which the call fails.
            deadline: loop time at which it fails in any case.

        Raises:
            StaleConnectionError: send it again on a new connection; the slot in the pool is still the request's.
            HttpError: it failed for good.
        """
        buffer = self._exchange = ResponseBuffer(self, self._loop)
        self._parser.expect(buffer)
        self._silence = silence
        self._deadline = deadline
        self._last_change = self._loop.time()
        self._heard = False
        self._owner.started(self)
        try:
            if self._transport is None or self.lost:
                self._input_ended(clean=False)
            elif isinstance(body, bytes) and len(body) <= PIECE:
                self._transport.write(head + body)
            else:
                await self._send(self._transport, buffer, head, body)
            while not buffer.answered:
                if buffer.error is not None:
                    raise buffer.error  # noqa: TRY301 - the clean-up below is for this one too
                await buffer.wait()
        except StaleConnectionError:
            self._exchange = None
            self._owner.stale(self)
            raise
        except BaseException:
            self.abandon(buffer)
            raise
        return buffer

    def check(self, now: float) -> None:
        """End the buffer if it has run out of time. Called every now and then."""
        buffer = self._exchange
        if buffer is None or buffer.error is not None:
            return
        if now >= self._deadline:
            self._fail(buffer, TotalTimeoutError("the answer took longer than the total timeout"))
            return
        if self._blocked and self._transport is not None:
            unsent = self._transport.get_write_buffer_size()
            if unsent != self._unsent:
                self._unsent = unsent
                self._last_change = now
        if now - self._last_change >= self._silence and not buffer.paused:
            self._fail(buffer, SilenceTimeoutError("the server was silent for longer than the silence timeout"))

    def resume(self) -> None:
        """Read on: the reader of the answer has caught up."""
        self._last_change = self._loop.time()
        if self._transport is not None and not self.lost:
            self._transport.resume_reading()

    def abandon(self, buffer: ResponseBuffer) -> None:
        """Hang up now if this buffer is still under way."""
        if self._exchange is buffer:
            self._fail(buffer, HttpError("the answer was closed before its end"))

    def hang_up(self) -> None:
        """Close the socket without ceremony."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def shut(self) -> None:
        """Hang up whatever is under way: the pool is closed."""
        if self._exchange is not None and self._exchange.error is None:
            self._fail(self._exchange, HttpError("the pool is closed"))
        self.hang_up()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open, TLS and all."""
        self._transport = cast("asyncio.Transport", transport)
        endpoint = transport.get_extra_info("socket")
        if endpoint is not None:
            with contextlib.suppress(OSError):
                endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer, or of something that nobody asked for."""
        buffer = self._exchange
        if buffer is None:
            self.hang_up()
            return
        self._heard = True
        self._last_change = self._loop.time()
        parser = self._parser
        try:
            parser.feed(data)
        except ProtocolError as error:
            self._fail(buffer, error)
            return
        if parser.complete:
            self._complete(buffer)
        elif buffer.answered:
            if buffer.size > _BUFFER and not buffer.paused and self._transport is not None:
                buffer.paused = True
                self._transport.pause_reading()
            buffer.wake()

    def eof_received(self) -> None:
        """The server sends no more."""
        self._input_ended(clean=True)
        self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by either side."""
        self.lost = True
        self._input_ended(clean=exc is None)
        self._transport = None
        self._parser.release()
        self._owner.lost(self)

    def pause_writing(self) -> None:
        """The server does not keep up with us."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._blocked = False
        self._last_change = self._loop.time()
        if self._exchange is not None:
            self._exchange.wake()

    async def _send(self, transport: asyncio.Transport, buffer: ResponseBuffer, head: bytes, body: Body) -> None:
        """Write a large body at the pace of the server, until it is sent or the server has refused it."""
        self._sending = True
        transport.write(head)
        for piece in pieces(body):
            transport.write(piece)
            self._last_change = self._loop.time()
            while self._blocked and not self._refused(buffer):
                await buffer.wait()
            if self._refused(buffer):
                return
        self._sending = False

    @staticmethod
    def _refused(buffer: ResponseBuffer) -> bool:
        return buffer.ended or buffer.error is not None or buffer.status >= _ERROR_STATUS

    def _complete(self, buffer: ResponseBuffer) -> None:
        self._exchange = self._parser.buffer = None
        if buffer.paused:
            buffer.paused = False
            self.resume()
        reusable = self._parser.reusable and not self._sending and not self.lost
        self._reused = True
        if not reusable:
            self.hang_up()
        buffer.end(None)
        self._owner.finished(self, reusable=reusable)

    def _input_ended(self, *, clean: bool) -> None:
        buffer = self._exchange
        if buffer is None or buffer.error is not None:
            return
        if clean and buffer.answered and self._parser.until_close:
            self._parser.reusable = False
            self._complete(buffer)
        elif self._reused and not self._heard:
            buffer.error = StaleConnectionError("the connection was closed while it stood by")
            buffer.wake()
        else:
            self._fail(buffer, ProtocolError("the connection was closed before the answer was complete"))

    def _fail(self, buffer: ResponseBuffer, error: HttpError) -> None:
        self._exchange = None
        self.hang_up()
        buffer.end(error)
        self._owner.finished(self, reusable=False)
