"""Content encodings, undone piece by piece with bounded memory."""

from __future__ import annotations

import zlib

from infra.clients.http.errors import ProtocolError

_BLOCK = 256 * 1024
_GZIP = zlib.MAX_WBITS | 16
_ZLIB_HEADER = 2  # bytes


class Decoder:
    """Undoes gzip or deflate.

    Feed what arrived, then ``take`` until it answers nothing. However far the data expands, one ``take`` returns at
    most 256 KiB.
    """

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflater = zlib.decompressobj(_GZIP) if gzip else None
        self._pending = b""
        self._fed = False

    def feed(self, data: bytes) -> None:
        """Add encoded bytes."""
        self._fed = True
        self._pending = self._pending + data if self._pending else data

    def take(self) -> bytes:
        """The next decoded block; empty = more has to be fed first.

        Raises:
            ProtocolError: the bytes are not what the server said they are.
        """
        try:
            return self._take()
        except zlib.error:
            raise ProtocolError("the body is not encoded as its content-encoding says") from None

    def finish(self) -> None:
        """The body is over.

        Raises:
            ProtocolError: its encoding says that there should be more.
        """
        if self._fed and (self._inflater is None or not self._inflater.eof):
            raise ProtocolError("the encoded body was cut")

    def _take(self) -> bytes:
        while self._pending:
            inflater = self._inflater if self._inflater is not None else self._detect()
            if inflater is None:
                return b""
            if inflater.eof:
                self._next_member()
                continue
            block = inflater.decompress(self._pending, _BLOCK)
            self._pending = inflater.unconsumed_tail or inflater.unused_data
            if block:
                return block
        inflater = self._inflater
        if inflater is None or inflater.eof:
            return b""
        return inflater.decompress(b"", _BLOCK)  # what did not fit into the last block

    def _detect(self) -> zlib._Decompress | None:
        """Deflate is sent with a zlib header by some and bare by others: the first two bytes tell."""
        if len(self._pending) < _ZLIB_HEADER:
            return None
        header = int.from_bytes(self._pending[:_ZLIB_HEADER], "big")
        wrapped = header % 31 == 0 and (header >> 8) & 0x0F == zlib.DEFLATED
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        return self._inflater

    def _next_member(self) -> None:
        """A gzip body may be several in a row; zero bytes may fill it up."""
        self._pending = self._pending.lstrip(b"\0")
        if not self._pending:
            return
        if not self._gzip:
            raise ProtocolError("data after the end of the encoded body")
        self._inflater = zlib.decompressobj(_GZIP)


def decoder_for(headers: dict[bytes, bytes]) -> Decoder | None:
    """The decoder for an answer with these headers; ``None`` = its body is plain.

    Raises:
        ProtocolError: an encoding that we do not read.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is None:
        return None
    encoding = encoding.strip().lower()
    if encoding in {b"", b"identity"}:
        return None
    if encoding in {b"gzip", b"x-gzip"}:
        return Decoder(gzip=True)
    if encoding == b"deflate":
        return Decoder(gzip=False)
    raise ProtocolError("the body has a content-encoding that was not asked for")
