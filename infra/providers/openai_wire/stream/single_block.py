"""Non-streaming answers to streaming requests: some upstreams ignore ``stream``."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from application.ports.providers import Answer
from domain.estimates import estimate_tokens
from infra.providers.openai_wire.lazy_json import UNREADABLE


class _Transcript(msgspec.Struct):
    text: str


_decode = msgspec.json.Decoder(_Transcript).decode


class SingleBlockStream:
    """A complete answer as a stream of one block; see the port ``providers``."""

    ended = True

    __slots__ = ("_body", "content_type", "usage")

    def __init__(self, answer: Answer) -> None:
        self._body = answer.body
        self.content_type = answer.content_type
        self.usage = answer.usage

    def output_so_far(self) -> int:
        """Estimate the tokens of a transcript."""
        try:
            text = _decode(self._body).text
        except UNREADABLE:
            text = self._body.decode("utf-8", "replace")
        return estimate_tokens(len(text))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the answer."""
        yield self._body

    async def aclose(self) -> None:
        """Do nothing: the answer has arrived completely."""
