"""LiteLLM encodes uploads for Google, base64 inside JSON, as a whole and on the event loop, three copies in memory.

Here they are encoded block by block while they are sent. No issue upstream is known.
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
"""Bytes encoded at once; a multiple of three, so that base64 needs no padding between blocks."""


def apply() -> None:
    """Make LiteLLM's HTTP handler send what an ``Upload`` stands for."""
    from litellm.main import base_llm_http_handler

    handler: Any = base_llm_http_handler
    original = handler._prepare_audio_transcription_request

    def prepare(*, audio_file: Any, **others: Any) -> tuple[Any, ...]:
        headers, url, request, files = original(audio_file=audio_file, **others)
        upload = audio_file[1]
        if isinstance(upload, Upload):
            request = upload.body(request)
            headers = headers | {"Content-Length": str(request.size)}
        return headers, url, request, files

    handler._prepare_audio_transcription_request = prepare


class Upload:
    """Placeholder for an upload where LiteLLM wants a file.

    Args:
        content: the content of the upload.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self._marker = token_bytes(30)  # unguessable, so it cannot occur elsewhere in the request

    def read(self) -> bytes:
        """Return bytes that mark where LiteLLM puts the content."""
        return self._marker

    def body(self, request: Mapping[str, Any]) -> EncodedBody:
        """Return LiteLLM's request with the content in its place."""
        head, _, tail = msgspec.json.encode(request).partition(b64encode(self._marker))
        return EncodedBody(head, self.content, tail)


class EncodedBody:
    """JSON request that encodes an upload while it is sent.

    Args:
        head: JSON before the encoded content.
        content: the upload.
        tail: JSON after it.
    """

    def __init__(self, head: bytes, content: Content, tail: bytes) -> None:
        self._head = head
        self._content = content
        self._tail = tail

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self._head) + -(-self._content.size // 3) * 4 + len(self._tail)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the request block by block; can be repeated."""
        yield self._head
        for start in range(0, self._content.size, _BLOCK):
            yield await asyncio.to_thread(self._encoded, start)
        yield self._tail

    def _encoded(self, start: int) -> bytes:
        return b64encode(self._content.read(start, _BLOCK))
