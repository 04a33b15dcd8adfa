"""From received bytes to an buffer: what httptools calls back."""

from __future__ import annotations

from typing import Any

import httptools

from infra.clients.http.errors import ProtocolError
from infra.clients.http.response_buffer import ResponseBuffer

HEAD_LIMIT = 64 * 1024  # bytes of one answer's head and trailers
_LINE_OVERHEAD = 32  # bytes that each header counts for beside its own: many short ones are a burden, too
_FIRST_FINAL_STATUS = 200
_BODILESS = frozenset({204, 304})


class AnswerParser:
    """Parses the answers of one connection, one after the other.

    Answers to HEAD requests are not supported: their length is that of a body which does not come.

    Attributes:
        buffer: who gets what is parsed.
        complete: the answer is whole.
        reusable: nothing speaks against another request on this connection.
        until_close: the body ends where the connection does.
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
        """What comes next is the answer to this request."""
        self.buffer = buffer
        self.complete = False
        self._head_size = 0
        self._overhead = 0

    def feed(self, data: bytes) -> None:
        """Parse what has arrived.

        Raises:
            ProtocolError: it is not HTTP, or something that we do not take. Not raised for what follows a complete
                answer; that only makes the connection unfit for another.
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
        """Let go of httptools, which refers back to us, so that no garbage collection is needed."""
        self._parser = self.buffer = None

    def on_message_begin(self) -> None:
        """The first byte of an answer, or of something after it that nobody asked for."""
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line, or after the body a trailer, which is dropped."""
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
        """The end of a head."""
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
            self._refuse("a transfer-encoding that was not asked for")
        self.until_close = coding is None and b"content-length" not in headers and status not in _BODILESS
        buffer.status = status
        buffer.answered = True

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        buffer = self.buffer
        if buffer is not None and not self.complete:
            buffer.pieces.append(piece)
            buffer.size += len(piece)

    def on_message_complete(self) -> None:
        """The end of an answer."""
        if self._interim:
            self._interim = False
            return
        self.complete = True
        if not self._parser.should_keep_alive():
            self.reusable = False

    def _refuse(self, fault: str) -> None:
        self._fault = fault
        raise ValueError(fault)  # only stops httptools; ``feed`` tells what it was
