"""Relay audio: blocks as they arrive, until the message is complete or breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator

from domain.errors import UpstreamProtocolError
from domain.usage import Usage
from infra.clients.http.errors import HttpError
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.request.sender import transport_error
from infra.providers.openai_wire.response.answers import audio_type, is_html, is_json, validate

_NOT_AUDIO = (b"{", b"<")
"""First byte of a JSON error or an HTML page. No audio format starts so, but raw PCM may: the header decides then."""
_ERROR_LIMIT = 256 * 1024


class AudioStream:
    """Speech while it is generated; see the port ``providers``. Created by ``open_audio_stream``.

    Audio reports no usage, and only the end of the HTTP message marks it as complete.
    """

    ended = False
    usage: Usage | None = None

    __slots__ = ("_first", "_response", "content_type")

    def __init__(self, response: HttpResponse, first: bytes) -> None:
        self._response = response
        self._first = first
        self.content_type = audio_type(response.headers.get(b"content-type", b""))

    def output_so_far(self) -> int:
        """Return 0: speech is charged by its input."""
        return 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the audio."""
        first, self._first = self._first, b""
        try:
            yield first
            async for block in self._response:
                yield block
        except HttpError as error:
            raise transport_error(error) from None
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection unless everything has arrived. Safe to repeat."""
        await self._response.close()


async def open_audio_stream(response: HttpResponse, deployment: ResolvedDeployment) -> AudioStream:
    """Return the audio of an answer with status 200 once its first bytes have arrived.

    Raises:
        GatewayError: the answer contains no audio. The response is closed.
    """
    try:
        first = await anext(response, b"")
        await _check(response, first, deployment)
    except HttpError as error:
        raise transport_error(error) from None
    except BaseException:
        await response.close()
        raise
    return AudioStream(response, first)


async def _check(response: HttpResponse, first: bytes, deployment: ResolvedDeployment) -> None:
    """Raise an error if the first bytes of an answer are not audio."""
    if not first:
        raise UpstreamProtocolError(reason="an empty answer, expected audio")
    content_type = response.headers.get(b"content-type", b"")
    declared = content_type.startswith((b"audio/", b"application/octet-stream"))
    if is_json(content_type) or is_html(content_type) or (not declared and first.lstrip()[:1] in _NOT_AUDIO):
        validate(first + await response.read(_ERROR_LIMIT), deployment)
        raise UpstreamProtocolError(reason="a JSON object, expected audio")
