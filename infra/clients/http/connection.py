"""One connection to an upstream, for one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Protocol, cast

from infra.clients.http import errors
from infra.clients.http.body import PIECE, Block, Body, pieces
from infra.clients.http.parsing import AnswerParser
from infra.clients.http.response_buffer import ResponseBuffer
from infra.clients.http.transfer import Transfer, Untracked

_BUFFER = 256 * 1024  # bytes of one response that may wait for their reader before reading pauses
_ERROR_STATUS = 300


class Owner(Protocol):
    """The part of the pool that a connection uses."""

    def started(self, connection: Connection) -> None:
        """Note that a request is being sent."""

    def finished(self, connection: Connection, *, reusable: bool) -> None:
        """Note that the response ended. Unless reusable, the connection is closed and its slot free."""

    def stale(self, connection: Connection) -> None:
        """Note that the connection is closed while its slot still belongs to the request."""

    def lost(self, connection: Connection) -> None:
        """Note that the socket is closed."""


class Connection(asyncio.Protocol):
    """A connection that sends one request after the other and receives their responses."""

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self._parser = AnswerParser()
        self._transport: asyncio.Transport | None = None
        self._buffer: ResponseBuffer | None = None
        self._deadline = self._first_byte = self._silence = self._last_change = 0.0
        self._blocked = self._reused = self._sending = False
        self._unsent = 0
        self._transfer: Transfer = Untracked()
        self.owner, self.idle_since = "", 0.0
        self.lost = False

    async def converse(
        self, head: bytes, body: Body, first_byte: float, silence: float, deadline: float, transfer: Transfer
    ) -> ResponseBuffer:
        """Send a request and wait for the head of its response.

        The arguments are those of ``HttpPool.request``; the deadline is in loop time.

        Raises:
            StaleConnectionError: to be sent again on a new connection; the request keeps its slot in the pool.
            HttpError: the call failed.
        """
        buffer = self._buffer = ResponseBuffer(self, self._loop)
        self._parser.expect(buffer)
        self._first_byte, self._silence, self._deadline = first_byte, silence, deadline
        self._last_change = self._loop.time()
        self._transfer = transfer
        self._unsent = 0
        self._owner.started(self)
        try:
            if self._transport is None or self.lost:
                self._input_ended(clean=False)
            elif isinstance(body, bytes) and len(body) <= PIECE:
                self._write(self._transport, head + body)
                transfer.whole = not self._unsent
            else:
                await self._send(self._transport, buffer, head, body)
            while not buffer.answered:
                if buffer.error is not None:
                    raise buffer.error  # noqa: TRY301 - the clean-up below applies to it too
                await buffer.wait()
        except errors.StaleConnectionError:
            self._buffer = None
            self._owner.stale(self)
            raise
        except BaseException:
            self.abandon(buffer)
            raise
        return buffer

    def check(self, now: float) -> None:
        """Fail the request if it has run out of time. Called periodically."""
        buffer = self._buffer
        if buffer is None or buffer.error is not None:
            return
        if now >= self._deadline:
            self._fail(buffer, errors.TotalTimeoutError("the response took longer than the total timeout"))
            return
        if self._blocked and self._count_sent():
            self._last_change = now
        begun = self._transfer.received or self._unsent or self._sending
        limit, seconds = ("silence", self._silence) if begun else ("first-byte", self._first_byte)
        if now - self._last_change >= seconds and not buffer.paused:
            self._fail(buffer, errors.SilenceTimeoutError(f"no byte within the {limit} timeout"))

    def resume(self) -> None:
        """Resume reading: the reader of the response has caught up."""
        self._last_change = self._loop.time()
        if self._transport is not None and not self.lost:
            self._transport.resume_reading()

    def abandon(self, buffer: ResponseBuffer) -> None:
        """Close the connection if this response is still incomplete."""
        if self._buffer is buffer:
            self._fail(buffer, errors.HttpError("the response was closed before its end"))

    def abort(self) -> None:
        """Close the socket at once."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def shut(self) -> None:
        """Fail the request in progress and close the socket: the pool is closed."""
        if self._buffer is not None and self._buffer.error is None:
            self._fail(self._buffer, errors.HttpError("the pool is closed"))
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over an open socket, TLS included."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1, low=0)  # blocked while anything is unsent
        endpoint = transport.get_extra_info("socket")
        if endpoint is not None:
            with contextlib.suppress(OSError):
                endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; bytes outside a response close the connection."""
        buffer = self._buffer
        if buffer is None:
            self.abort()
            return
        self._transfer.received += len(data)
        self._last_change = self._loop.time()
        try:
            self._parser.feed(data)
        except errors.ProtocolError as error:
            self._fail(buffer, error)
            return
        if self._parser.complete:
            self._complete(buffer)
        elif buffer.answered:
            if buffer.size > _BUFFER and not buffer.paused and self._transport is not None:
                buffer.paused = True
                self._transport.pause_reading()
            buffer.wake()

    def eof_received(self) -> None:
        """End the input: the server closed its side."""
        self._input_ended(clean=True)
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after a closed socket."""
        self.lost = True
        self._input_ended(clean=exc is None)
        self._transport = None
        self._parser.release()
        self._owner.lost(self)

    def pause_writing(self) -> None:
        """Note that the write buffer is full."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Note that everything written so far is sent."""
        self._blocked = False
        self._count_sent()
        self._transfer.whole = not self._sending
        self._last_change = self._loop.time()
        if self._buffer is not None:
            self._buffer.wake()

    async def _send(self, transport: asyncio.Transport, buffer: ResponseBuffer, head: bytes, body: Body) -> None:
        """Write a large body at the speed of the server, until it is sent or the server has refused it."""
        self._sending = True
        self._write(transport, head)
        for piece in pieces(body):
            self._write(transport, piece)
            if transport.is_closing():
                return
            self._last_change = self._loop.time()
            while self._blocked and not self._refused(buffer):
                await buffer.wait()
            if self._refused(buffer):
                return
        self._sending = False
        self._transfer.whole = not self._unsent

    def _write(self, transport: asyncio.Transport, data: Block) -> None:
        self._unsent += len(data)
        transport.write(data)
        if not transport.is_closing():  # a closed connection drops what is written
            self._count_sent()

    def _count_sent(self) -> int:
        """Count what was sent of what was written, and return how much that is since the last time."""
        waiting = self._transport.get_write_buffer_size() if self._blocked and self._transport is not None else 0
        sent, self._unsent = self._unsent - waiting, waiting
        self._transfer.sent += sent
        return sent

    @staticmethod
    def _refused(buffer: ResponseBuffer) -> bool:
        return buffer.ended or buffer.error is not None or buffer.status >= _ERROR_STATUS

    def _complete(self, buffer: ResponseBuffer) -> None:
        self._buffer = self._parser.buffer = None
        if buffer.paused:
            buffer.paused = False
            self.resume()
        reusable = self._parser.reusable and not self._sending and not self.lost
        self._reused = True
        if not reusable:
            self.abort()
        buffer.end(None)
        self._owner.finished(self, reusable=reusable)

    def _input_ended(self, *, clean: bool) -> None:
        buffer = self._buffer
        if buffer is None or buffer.error is not None:
            return
        if clean and buffer.answered and self._parser.until_close:
            self._parser.reusable = False
            self._complete(buffer)
        elif self._reused and not self._transfer.whole and not self._transfer.received:
            buffer.error = errors.StaleConnectionError("the connection was closed before the whole request was sent")
            buffer.wake()
        else:
            self._fail(buffer, errors.ProtocolError("the connection was closed before the response was complete"))

    def _fail(self, buffer: ResponseBuffer, error: errors.HttpError) -> None:
        self._buffer = None
        if self._blocked and self._transport is not None and not self.lost:
            self._count_sent()
        self._transfer.cut = buffer.answered
        self.abort()
        buffer.end(error)
        self._owner.finished(self, reusable=False)
