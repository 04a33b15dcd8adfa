"""Decoding of compressed request bodies while they arrive; limits apply to what they decode to."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from domain.errors import InvalidRequestError, UnsupportedEncodingError
from infra.clients.http.decoding import Decoder, decoder_for
from infra.clients.http.errors import ProtocolError


def decoding(receive: Receive, encoding: bytes) -> Receive:
    """Wrap the channel from a caller whose body has this content encoding.

    The result raises ``InvalidRequestError`` if the body does not match it.

    Raises:
        UnsupportedEncodingError: not gzip or deflate.
    """
    try:
        decoder = decoder_for({b"content-encoding": encoding})
    except ProtocolError:
        raise UnsupportedEncodingError(
            "Unsupported Content-Encoding of the request body: expected gzip, deflate or none."
        ) from None
    return receive if decoder is None else _DecodedBody(receive, decoder)


class _DecodedBody:
    def __init__(self, receive: Receive, decoder: Decoder) -> None:
        self._receive = receive
        self._decoder = decoder
        self._more = True

    async def __call__(self) -> Message:
        """Return the next block of the decoded body, or the disconnect."""
        try:
            block = self._decoder.take()
            while not block and self._more:
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._more = message.get("more_body", False)
                self._decoder.feed(message.get("body", b""))
                block = self._decoder.take()
            if not block:
                self._decoder.finish()
                return {"type": "http.request", "body": b"", "more_body": False}
        except ProtocolError:
            raise InvalidRequestError("The request body does not match its Content-Encoding.") from None
        await asyncio.sleep(0)  # a small body may decode to many blocks
        return {"type": "http.request", "body": block, "more_body": True}
