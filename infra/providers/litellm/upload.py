"""Uploads for Google, which wants them as base64 inside of JSON: made piece by piece, while they are sent.

LiteLLM 1.106.2 would read such an upload whole, encode it and then encode the JSON: while everybody else waits, and
with three copies in memory.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from secrets import token_bytes
from typing import Any

import msgspec

from domain.form import Content

_BLOCK = 192 * 1024
"""Bytes that are read and encoded at once; a multiple of three, so that base64 needs no padding between them."""
_REPAIRED = "_llmproxy_sends_piecemeal"


class Upload:
    """Stands for an upload where LiteLLM wants a file.

    Args:
        content: of the upload.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self._place = token_bytes(30)  # nobody can guess it, so nobody can write it elsewhere into the request

    def read(self) -> bytes:
        """A few bytes that mark where LiteLLM puts the content."""
        return self._place

    def body(self, request: Mapping[str, Any]) -> Body:
        """LiteLLM's request, the content in its place."""
        head, _, tail = msgspec.json.encode(request).partition(b64encode(self._place))
        return Body(head, self.content, tail)


class Body:
    """A request as it is sent.

    Args:
        head: what comes before the encoded content.
        content: to be encoded.
        tail: what comes after it.
    """

    def __init__(self, head: bytes, content: Content, tail: bytes) -> None:
        self._head = head
        self._content = content
        self._tail = tail

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._head) + -(-self._content.size // 3) * 4 + len(self._tail)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All of it, once or again."""
        yield self._head
        for start in range(0, self._content.size, _BLOCK):
            yield await asyncio.to_thread(self._encoded, start)
        yield self._tail

    def _encoded(self, start: int) -> bytes:
        return b64encode(self._content.read(start, _BLOCK))


def send_piecemeal(handler: Any) -> None:
    """Make LiteLLM's HTTP handler send what an ``Upload`` stands for. Safe to repeat."""
    if hasattr(handler, _REPAIRED):
        return
    original = handler._prepare_audio_transcription_request  # noqa: SLF001 - LiteLLM has no other name for it

    def prepare(*, audio_file: Any, **others: Any) -> tuple[Any, ...]:
        headers, url, request, files = original(audio_file=audio_file, **others)
        upload = audio_file[1]
        if isinstance(upload, Upload):
            request = upload.body(request)
            headers = headers | {"Content-Length": str(request.size)}
        return headers, url, request, files

    handler._prepare_audio_transcription_request = prepare  # noqa: SLF001 - the same
    setattr(handler, _REPAIRED, True)
