"""The only module that uses uvicorn's private classes: its HTTP/1.1 protocol, hardened for a public port.

OpenAI-shaped responses to invalid HTTP, limits on the size and time of heads, ignored protocol upgrades, and head and
body of a response in one packet. ``UVICORN_VERSIONS`` names the versions whose private classes it was written for.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from domain.errors import InvalidRequestError
from infra.controllers.asgi_response import CUT
from infra.controllers.errors import body_of
from infra.controllers.headers import request_id_of

UVICORN_VERSIONS = frozenset({"0.54.0"})
LARGEST_HEAD = 64 * 1024
"""Maximum size in bytes of a request line with its headers, or of trailers; what arrived in one read may be more."""
_INTERIM = b"HTTP/1.1 100"
_JOINED_UP_TO = 64 * 1024
"""Bodies up to this size in bytes are copied behind the head."""


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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start to wait for the first head."""
        super().connection_made(transport)
        # Shared by all requests of a connection; it refers to none of them, so they need no garbage collection.
        self._extensions: dict[str, Any] = {CUT: self._cut}
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        self._unparsed += len(data)
        try:
            while data:
                data = self._feed(data)
        except httptools.HttpParserError:
            self.logger.info("invalid HTTP request")
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._unparsed > LARGEST_HEAD:
            self._refuse_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the request being served, too: uvicorn notifies only the one that arrived last."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def on_headers_complete(self) -> None:
        """Handle the end of a head."""
        self._upgrade_ignored = self.parser.should_upgrade()
        if not self._upgrade_ignored:
            self._unset_keepalive_if_required()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Handle a piece of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Handle the end of a request."""
        self._unparsed = 0
        if not self._upgrade_ignored:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Respond with an error and close; if a response has already started, only close."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn declares it as never None
        responding = cycle is not None and cycle.response_started and not cycle.response_complete
        if not responding:
            self.transport.write(_refusal(b"400 Bad Request", msg))
        self.transport.close()

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

    def _refuse_head(self) -> None:
        if self.transport.is_closing():
            return
        running = self._running
        if running is None or running.response_complete or not running.response_started:
            message = f"The request's headers are larger than {LARGEST_HEAD} bytes."
            self.transport.write(_refusal(b"431 Request Header Fields Too Large", message))
        self.transport.close()

    def _cut(self) -> None:
        """Close the connection in the middle of a response, which the caller must not take for complete.

        To uvicorn it looks like a disconnected caller, which ends a request without an error.
        """
        if self._running is not None:
            self._running.transport.close()
            self._running.disconnected = True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # Only POST: a response to HEAD has no body.
        if cycle.scope["method"] == "POST":
            cycle.transport = cast("asyncio.Transport", _HeadWithBody(cycle))  # the part of one that a cycle uses
            cycle.scope["extensions"] = self._extensions
        self._running = cycle
        super()._start_asgi_task(cycle, app)


class _HeadWithBody:
    """A stand-in for a cycle's transport that delays the head of a response until its body follows.

    The application sends both at once, but uvicorn writes them separately: two system calls and two packets.
    """

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._transport: asyncio.Transport = cycle.transport
        self._head = b""

    def write(self, data: bytes) -> None:
        if not self._head:
            if data.startswith(_INTERIM):
                self._transport.write(data)
            else:
                self._head = data
            return
        self._cycle.transport = self._transport
        if len(data) > _JOINED_UP_TO:
            self._transport.write(self._head)
            self._transport.write(data)
        else:
            self._transport.write(self._head + data)

    def close(self) -> None:
        if self._head:
            self._transport.write(self._head)
        self._cycle.transport = self._transport
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


def _refusal(status: bytes, message: str) -> bytes:
    """Build a complete error response to invalid HTTP, after which the connection is closed."""
    body = body_of(InvalidRequestError(message))
    return (
        b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"x-request-id: %s\r\nconnection: close\r\n\r\n%s" % (status, len(body), request_id_of(()).encode(), body)
    )
