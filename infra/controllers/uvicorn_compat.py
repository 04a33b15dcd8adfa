"""The only module that uses uvicorn's private classes: its HTTP/1.1 protocol, hardened for a public port.

OpenAI-shaped responses to invalid HTTP, limits on connections, pipelined requests, heads and unread responses, ignored
protocol upgrades, half-closed connections, and head and body of a response in one packet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from domain.errors import InvalidRequestError, UnavailableError
from infra.controllers.asgi_response import CUT, WHOLE
from infra.controllers.connections import CONNECTIONS, CallerConnections, CallerLimits, SendTimeout
from infra.controllers.raw_response import HeadWithBody, refusal
from infra.controllers.request_head import HeadFault, fault_of

UVICORN_VERSIONS = frozenset({"0.54.0"})
LARGEST_HEAD = 64 * 1024
"""Maximum size in bytes of a request line with its headers, or of trailers; what arrived in one read may be more."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PROBES = (0.0, 0.02, 0.1, 0.4)
"""Seconds after the end of a caller's input at which an interim response shows if it still reads."""
_WRITTEN_WHOLE = 64 * 1024
"""Size in bytes of a response body up to which it is written at once with its head."""
_REFUSAL_SECONDS = 1.0
"""Time to read a refusal before the connection is closed."""
_INVALID = HeadFault(b"400 Bad Request", "Invalid HTTP request received.")
_LARGE_HEAD = HeadFault(
    b"431 Request Header Fields Too Large", f"The request's headers are larger than {LARGEST_HEAD} bytes."
)


class GuardedProtocol(HttpToolsProtocol):
    """One connection of a caller.

    A head must be complete ``timeout_keep_alive`` seconds after the connection was opened, or after the last response.
    """

    _running: RequestResponseCycle | None = None
    """The request that is being served, or was last."""
    _unparsed = 0
    """Bytes since the parser last completed a head or a piece of a body."""
    _upgrade_ignored = False
    """The current request asks for another protocol: it is parsed again without that header."""
    _fault: HeadFault | None = None
    _closed_to_input = False
    """The connection was refused, or a queued request exceeded the limit: nothing more is parsed."""
    _half_closed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Admit the connection and start to wait for the first head."""
        super().connection_made(transport)
        self._callers = self.app_state.get(CONNECTIONS) or CallerConnections(CallerLimits())
        self._address = self.client[0] if self.client else ""
        self._send_timeout = SendTimeout(transport, self.loop, self._callers)
        reason = self._callers.admit(self._address)
        if reason is not None:
            self._refuse_connection(reason)
            return
        # Shared by all requests of a connection; it refers to none of them, so they need no garbage collection.
        self._extensions: dict[str, Any] = {CUT: self._cut, WHOLE: self._write_whole}
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        if self._closed_to_input:
            return
        self._unparsed += len(data)
        try:
            while data:
                data = self._feed(data)
        except httptools.HttpParserError:
            if not self._closed_to_input:
                self._refuse(self._fault or _INVALID)
            return
        if self._unparsed > LARGEST_HEAD:
            self._refuse(_LARGE_HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the request being served, too: uvicorn notifies only the one that arrived last."""
        super().connection_lost(exc)
        self._callers.release(self._address)
        self._unset_keepalive_if_required()
        self._send_timeout.stop()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's own signature; uvicorn returns nothing
        """Keep a half-closed connection open until its response is sent.

        A disconnected caller sends the same. An interim response tells them apart: only it closes the connection.
        """
        running = self._running
        if running is None or running.response_started or running.more_body or running.scope["http_version"] != "1.1":
            return self._half_closed
        if self.scheme == "https":  # TLS connections end in both directions at once
            return False
        if not self._half_closed:
            self._half_closed = True
            (self.pipeline[0][0] if self.pipeline else running).keep_alive = False
            for delay in _PROBES:
                self.loop.call_later(delay, self._probe, running)
        return True

    def pause_writing(self) -> None:
        """Start the send timeout: the caller reads too slowly."""
        super().pause_writing()
        self._send_timeout.start()

    def resume_writing(self) -> None:
        """Stop the send timeout."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._send_timeout.stop()

    def on_response_complete(self) -> None:
        """Let a closing connection finish sending within the send timeout."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._send_timeout.start()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; what its caller has not read by now is dropped."""
        super().timeout_keep_alive_handler()
        self._send_timeout.start()

    def on_headers_complete(self) -> None:
        """Handle the end of a head."""
        self._upgrade_ignored = self.parser.should_upgrade()
        if self._upgrade_ignored:
            return
        self._fault = fault_of(self.parser.get_http_version(), self.headers)
        if self._fault is not None:
            raise httptools.HttpParserError
        if len(self.pipeline) >= self._callers.limits.pipelined:
            # The caller repeats what was not answered when the connection closes (RFC 9112, section 9.3.2).
            self._closed_to_input = True
            self.pipeline[0][0].keep_alive = False
            raise httptools.HttpParserError
        self._unset_keepalive_if_required()
        super().on_headers_complete()
        if self._callers.draining:
            self.cycle.keep_alive = False
        self.headers = []  # takes the trailers, which must not change what was decided by the head

    def on_body(self, body: bytes) -> None:
        """Handle a piece of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Handle the end of a request."""
        self._unparsed = 0
        if not self._upgrade_ignored:
            super().on_message_complete()

    def _refuse(self, fault: HeadFault) -> None:
        """Respond with an error and close. Complete requests before the invalid one are served first."""
        self._closed_to_input = True
        if self.transport.is_closing():
            return
        last = self.pipeline[0][0] if self.pipeline else self._running
        if last is not None and not last.response_complete and not last.more_body:
            last.keep_alive = False
            return
        if last is None or last.response_complete or not (last.response_started or self.pipeline):
            self.transport.write(refusal(fault.status, InvalidRequestError(fault.message)))
        self.transport.close()
        self._send_timeout.start()

    def _feed(self, data: bytes) -> bytes:
        """Parse; returns what must be parsed next."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        return b""

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Repeat the current head without its ``Upgrade`` header, which HTTP allows a server to ignore.

        Java's client asks for HTTP/2 in every request. The parser stops at the upgrade, before the body, so a new
        parser starts with the same head.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise httptools.HttpParserError
        version = self.parser.get_http_version().encode("ascii")
        head = [b"%b %b HTTP/%b\r\n" % (method, self.url, version)]
        head += [b"%b: %b\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        return b"".join(head) + b"\r\n" + rest

    def _refuse_connection(self, reason: str) -> None:
        self._closed_to_input = True
        if self._callers.crowded:
            self.transport.abort()
            return
        self.transport.write(refusal(b"503 Service Unavailable", UnavailableError(reason, retry_after=1)))
        if self.transport.can_write_eof():  # without TLS; closing a socket with unread input discards the response
            self.transport.write_eof()
        self.loop.call_later(_REFUSAL_SECONDS, self.transport.abort)

    def _probe(self, running: RequestResponseCycle) -> None:
        if not running.response_started and not self.transport.is_closing():
            self.transport.write(_CONTINUE)

    def _cut(self) -> None:
        """Close the connection in the middle of a response, which the caller must not take for complete."""
        if self._running is not None:
            self._running.transport.close()
            self._running.disconnected = True  # which ends a request without an error

    def _write_whole(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write a complete response in one go, as uvicorn would in two; its checks of each header cost more than that.

        Returns false, and does nothing, where uvicorn has to: the caller left or reads slowly, the response is large or
        closes the connection, or a header would break the head.
        """
        cycle = self._running
        if cycle is None or cycle.response_started or cycle.disconnected or self.flow.write_paused:
            return False
        headers = [*cycle.default_headers, *headers]
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        broken = not lines.count(b"\r\n") == lines.count(b"\n") == lines.count(b"\r") == len(headers)
        if broken or not cycle.keep_alive or b"\nconnection:" in lines or len(body) > _WRITTEN_WHOLE:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.transport = self.transport
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], lines, body))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # Only POST: a response to HEAD has no body.
        if cycle.scope["method"] == "POST":
            cycle.transport = cast("asyncio.Transport", HeadWithBody(cycle))  # the part of one that a cycle uses
            cycle.scope["extensions"] = self._extensions
        self._running = cycle
        super()._start_asgi_task(cycle, app)
