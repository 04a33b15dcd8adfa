"""Parsing of responses with httptools, into the response buffer."""

from __future__ import annotations

from typing import Any

import httptools

from infra.clients.http.errors import ProtocolError
from infra.clients.http.response_buffer import ResponseBuffer

HEAD_LIMIT = 64 * 1024  # bytes of one response's head and trailers
_LINE_OVERHEAD = 32  # bytes added per header line: many short ones are costly, too
_FIRST_FINAL_STATUS = 200
_BODILESS = frozenset({204, 304})


class AnswerParser:
    """A parser for the responses of one connection, one after the other.

    Responses to HEAD requests are not supported: their content-length describes a body that is not sent.

    Attributes:
        buffer: receives the parsed response.
        complete: the response is complete.
        reusable: the connection can carry another request.
        until_close: the body ends when the connection is closed.
    """

    __slots__ = (
        "_fault",
        "_head_size",
        "_interim",
        "_overhead",
        "_parser",
        "buffer",
        "complete",
        "reusable",
        "until_close",
    )

    def __init__(self) -> None:
        self.buffer: ResponseBuffer | None = None
        self.complete = False
        self.reusable = True
        self.until_close = False
        self._interim = False
        self._head_size = 0
        self._overhead = 0
        self._fault = ""
        self._parser: Any = httptools.HttpResponseParser(self)

    def expect(self, buffer: ResponseBuffer) -> None:
        """Prepare for the next response, which goes into this buffer."""
        self.buffer = buffer
        self.complete = False
        self._head_size = 0
        self._overhead = 0

    def feed(self, data: bytes) -> None:
        """Parse what has arrived.

        Raises:
            ProtocolError: not HTTP, or not supported. Not raised for bytes after a complete response, which only
                make the connection unusable for another request.
        """
        buffer = self.buffer
        if buffer is None:
            self.reusable = False
            return
        size = buffer.size
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if self.complete:
                return
            raise ProtocolError(self._fault or f"not HTTP: {error.args[0] if error.args else ''}") from None
        if buffer.size == size and not self.complete:
            self._overhead += len(data)
            if self._overhead > HEAD_LIMIT:
                raise ProtocolError("head, trailers or chunk header too large")

    def release(self) -> None:
        """Release httptools, which refers back to us, so that no garbage collection is needed."""
        self._parser = self.buffer = None

    def on_message_begin(self) -> None:
        """Handle the first byte of a response, or of unexpected data after one."""
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header line; a trailer after the body is dropped."""
        buffer = self.buffer
        if buffer is None or self.complete:
            return
        self._head_size += len(name) + len(value) + _LINE_OVERHEAD
        if self._head_size > HEAD_LIMIT:
            self._refuse("head too large")
        if buffer.answered:
            return
        name = name.lower()
        headers = buffer.headers
        headers[name] = value if name not in headers else headers[name] + b", " + value

    def on_headers_complete(self) -> None:
        """Handle the end of a head."""
        buffer = self.buffer
        if buffer is None or self.complete:
            return
        status = self._parser.get_status_code()
        headers = buffer.headers
        if status < _FIRST_FINAL_STATUS:
            if status == 101:  # noqa: PLR2004 - Switching Protocols
                self._refuse("the server switched protocols")
            self._interim = True
            headers.clear()
            return
        coding = headers.get(b"transfer-encoding")
        if coding is not None and coding.strip().lower() != b"chunked":
            self._refuse("unsupported transfer-encoding")
        self.until_close = coding is None and b"content-length" not in headers and status not in _BODILESS
        buffer.status = status
        buffer.answered = True

    def on_body(self, piece: bytes) -> None:
        """Store a piece of the body."""
        buffer = self.buffer
        if buffer is not None and not self.complete:
            buffer.pieces.append(piece)
            buffer.size += len(piece)

    def on_message_complete(self) -> None:
        """Handle the end of a response."""
        if self._interim:
            self._interim = False
            return
        self.complete = True
        if not self._parser.should_keep_alive():
            self.reusable = False

    def _refuse(self, fault: str) -> None:
        self._fault = fault
        raise ValueError(fault)  # only stops httptools; ``feed`` raises the fault
