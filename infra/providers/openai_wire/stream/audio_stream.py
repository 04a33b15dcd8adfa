"""Audio on its way: blocks as the upstream makes them, until the message is whole or it breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator

from domain.errors import UpstreamProtocolError
from domain.usage import Usage
from infra.clients.http.errors import HttpError
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.request.deployment import ResolvedDeployment
from infra.providers.openai_wire.request.sender import transport_error
from infra.providers.openai_wire.response.answers import audio_type, check

_NO_AUDIO = (b"{", b"<")
"""How an error begins, and a page. No audio format does, but bare samples (PCM) may: there the header decides."""
_ERROR_LIMIT = 256 * 1024


class AudioStream:
    """Spoken text as it is made; see the port ``providers``. Made by ``open_audio_stream``.

    Nothing in it says what was used, or that it is complete: the end of the message does.
    """

    ended = False
    usage: Usage | None = None

    __slots__ = ("_first", "_response", "content_type")

    def __init__(self, response: HttpResponse, first: bytes) -> None:
        self._response = response
        self._first = first
        self.content_type = audio_type(response.headers.get(b"content-type", b""))

    def output_so_far(self) -> int:
        """No tokens: speech is charged by the text that was sent."""
        return 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The audio."""
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
        """Hang up unless everything has arrived. Safe to repeat."""
        await self._response.close()


async def open_audio_stream(response: HttpResponse, deployment: ResolvedDeployment) -> AudioStream:
    """The audio that an answer with status 200 carries, once its first bytes are there.

    Raises:
        GatewayError: it carries none. The response is closed.
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
    """Raise what is wrong with an answer that begins like this."""
    if not first:
        raise UpstreamProtocolError(reason="an empty answer where audio was asked for")
    declared = response.headers.get(b"content-type", b"").startswith((b"audio/", b"application/octet-stream"))
    if not declared and first.lstrip()[:1] in _NO_AUDIO:
        check(first + await response.read(_ERROR_LIMIT), deployment)
        raise UpstreamProtocolError(reason="a JSON object where audio was asked for")
