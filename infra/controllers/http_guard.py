"""What a public HTTP/1.1 port has to stand, beyond what uvicorn's parser does by itself.

Heads without end, clients that fall silent in the middle of one, wishes for another protocol, and callers who hang up
with several requests under way.
"""

from __future__ import annotations

import asyncio

import httptools

from infra.controllers.http_protocol import HttpProtocol, raw_refusal

LARGEST_HEAD = 64 * 1024
"""Bytes of a request line with its headers, or of a chunked body's trailers. What came in one read may be more."""


class GuardedProtocol(HttpProtocol):
    """One connection of a caller whom nobody trusts yet.

    A head has to be complete ``timeout_keep_alive`` seconds after the connection was made, or after the last answer.
    """

    _unread = 0
    """Bytes since the parser last made something of what came."""
    _declining = False
    """The request at hand asks for another protocol: it is read again without that wish."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._watch_idleness()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._unread += len(data)
        try:
            while data:
                data = self._feed(data)
        except httptools.HttpParserError:
            self.logger.info("not HTTP")
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._unread > LARGEST_HEAD:
            self._refuse_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the call that is being served, too: uvicorn tells only the one that arrived last."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._declining = self.parser.should_upgrade() and not self._should_upgrade()
        if not self._declining:
            self._unset_keepalive_if_required()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._unread = 0
        if not self._declining:
            super().on_message_complete()

    def _feed(self, data: bytes) -> bytes:
        """Parse; what is to be parsed next."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                return b""
            return self._without_upgrade(data[upgrade.args[0] :])
        return b""

    def _without_upgrade(self, rest: bytes) -> bytes:
        """The request at hand without its wish for another protocol, which HTTP lets a server ignore.

        Java's client wishes for HTTP/2 in every request until it is granted. The parser gives up at such a wish, body
        unread, so a new one begins with the same head.
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

    def _watch_idleness(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _refuse_head(self) -> None:
        if self.transport.is_closing():
            return
        running = self._running
        if running is None or running.response_complete or not running.response_started:
            message = f"The request's headers are larger than {LARGEST_HEAD} bytes."
            self.transport.write(raw_refusal(b"431 Request Header Fields Too Large", message))
        self.transport.close()
