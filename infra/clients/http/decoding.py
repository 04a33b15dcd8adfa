"""Decoding of content encodings, block by block with bounded memory."""

from __future__ import annotations

import zlib

from infra.clients.http.errors import ProtocolError

_BLOCK = 256 * 1024
_GZIP = zlib.MAX_WBITS | 16
_ZLIB_HEADER = 2  # bytes


class Decoder:
    """A decoder for gzip or deflate.

    Feed received bytes, then ``take`` until it returns nothing. However far the data expands, one ``take`` returns at
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
        """Return the next decoded block, empty if more input is needed.

        Raises:
            ProtocolError: the bytes do not match the announced encoding.
        """
        try:
            return self._take()
        except zlib.error:
            raise ProtocolError("the body does not match its content-encoding") from None

    def finish(self) -> None:
        """End the body.

        Raises:
            ProtocolError: the encoded data is incomplete.
        """
        if self._fed and (self._inflater is None or not self._inflater.eof):
            raise ProtocolError("the encoded body is incomplete")

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
        """Detect from the first two bytes if the deflate data has a zlib header: some servers omit it."""
        if len(self._pending) < _ZLIB_HEADER:
            return None
        header = int.from_bytes(self._pending[:_ZLIB_HEADER], "big")
        wrapped = header % 31 == 0 and (header >> 8) & 0x0F == zlib.DEFLATED
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        return self._inflater

    def _next_member(self) -> None:
        """Start the next gzip member: a body may have several, padded with zero bytes."""
        self._pending = self._pending.lstrip(b"\0")
        if not self._pending:
            return
        if not self._gzip:
            raise ProtocolError("data after the end of the encoded body")
        self._inflater = zlib.decompressobj(_GZIP)


def decoder_for(headers: dict[bytes, bytes]) -> Decoder | None:
    """Choose the decoder for a response with these headers, None if its body is not encoded.

    Raises:
        ProtocolError: unsupported encoding.
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
    raise ProtocolError("the response has a content-encoding that was not requested")
