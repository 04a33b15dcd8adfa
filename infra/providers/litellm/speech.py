"""``/audio/speech`` through LiteLLM: Google Cloud's voices (Chirp, Studio, WaveNet), Gemini's and others.

LiteLLM returns speech in one piece even where the vendor streams it. Gemini's models are called as chat models:
LiteLLM's own function for them calls the upstream twice and cannot be cancelled.
"""

from __future__ import annotations

import json
import re
import struct
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

from application.ports.providers import Answer
from domain.errors import InvalidRequestError, UpstreamProtocolError
from domain.usage import Usage
from infra.providers.litellm.members import members_of, unsupported
from infra.providers.litellm.models import LiteLLMTarget
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, StreamLimits
from infra.providers.litellm.usage import usage_of

_KNOWN = frozenset({"input", "instructions", "response_format", "speed", "voice"})
_OURS = frozenset({"stream_format"})
_TYPES = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/ogg",
    "aac": b"audio/aac",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
    "pcm": b"audio/pcm",
}
_CLOUD = {"mp3": "mp3", "opus": "opus", "wav": "wav", "pcm": "PCM"}
"""Google Cloud's formats; LiteLLM would send MP3 for ``aac`` and a WAV file for ``pcm``."""
_GEMINI = frozenset({"wav", "pcm"})
_GEMINI_RATE = 24_000
"""Samples a second of Gemini's speech: 16 bits each, one channel."""
_BLOCK = 64 * 1024
_OBJECT = re.compile(rb"\s*\{")
_PAGE_OR_EVENT = re.compile(rb"\s*(?:<(?:!doctype|html)\b|(?:data|event):)", re.IGNORECASE)


def _function(target: LiteLLMTarget) -> str:
    return "acompletion" if target.gemini else "aspeech"


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    members = members_of(request, _KNOWN, _OURS)
    if members.pop("stream_format", "audio") != "audio":
        raise unsupported("stream_format", "This model returns plain audio: omit 'stream_format'.")
    if not isinstance(members.get("input"), str):
        raise InvalidRequestError("'input' must be a string.", param="input")
    if not isinstance(members.get("voice", ""), str):
        raise unsupported("voice", "This model takes a voice's name only.")
    speed = members.get("speed")
    if speed is not None and (not isinstance(speed, int | float) or isinstance(speed, bool)):
        raise InvalidRequestError("'speed' must be a number.", param="speed", code="invalid_type")
    form = members.get("response_format")
    if form is not None and form not in _TYPES:
        raise InvalidRequestError(f"'response_format' must be one of {', '.join(_TYPES)}.", param="response_format")
    if request.target.gemini:
        return _gemini(members)
    if request.target.provider == "vertex_ai":
        return _cloud(members)
    return members


def _gemini(members: dict[str, Any]) -> dict[str, Any]:
    if members.get("response_format", "wav") not in _GEMINI:
        raise unsupported("response_format", "This model makes 'wav' and 'pcm' only.")
    if members.get("speed") not in {None, 1}:
        raise unsupported("speed", "This model's speed is set by 'instructions'.")
    text = members["input"]
    if members.get("instructions"):
        text = f"{members['instructions']}\n\n{text}"
    audio = {"format": "pcm16"} | ({"voice": members["voice"]} if members.get("voice") else {})
    return {"messages": [{"role": "user", "content": text}], "modalities": ["audio"], "audio": audio}


def _cloud(members: dict[str, Any]) -> dict[str, Any]:
    if members.get("instructions"):
        raise unsupported("instructions")
    form = members.get("response_format", "mp3")
    if form not in _CLOUD:
        raise unsupported("response_format", f"This model makes {', '.join(_CLOUD)} only.")
    return {name: value for name, value in members.items() if name != "instructions"} | {
        "response_format": _CLOUD[form]
    }


class SpeechStream:
    """Audio that LiteLLM returned in one piece; implements the port's ``Stream``.

    Args:
        response: what LiteLLM returned.
        request: the call.
    """

    def __init__(self, response: Any, request: ProviderRequest, _limits: StreamLimits) -> None:
        wanted = members_of(request, _KNOWN, _OURS).get("response_format")
        if request.target.gemini:
            self._audio, self.usage = _pcm(response), _tokens(response)
            wanted = wanted or "wav"
            if wanted == "wav":
                self._audio = wav_head(len(self._audio)) + self._audio
        else:
            self._audio, self.usage = bytes(response.content), None
        self.content_type = _TYPES[wanted or "mp3"]
        self.ended = False

    usage: Usage | None

    async def start(self) -> None:
        """Check that it is audio.

        Raises:
            UpstreamProtocolError: it is empty, an error or a page, which LiteLLM does not check.
        """
        if not self._audio:
            raise UpstreamProtocolError(reason="speech without audio")
        if _is_text(self._audio):
            raise UpstreamProtocolError(reason="text in place of audio")

    def output_so_far(self) -> int:
        """Return 0: speech is not counted in tokens here."""
        return 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield blocks of audio."""
        for start in range(0, len(self._audio), _BLOCK):
            self.ended = start + _BLOCK >= len(self._audio)
            yield self._audio[start : start + _BLOCK]

    async def aclose(self) -> None:
        """Do nothing: the upstream call is over."""


def _is_text(audio: bytes) -> bool:
    """Return whether it is an object, a page or a stream of events; samples may begin like one but do not parse."""
    if _PAGE_OR_EVENT.match(audio):
        return True
    if not _OBJECT.match(audio):
        return False
    try:
        json.loads(audio)
    except (ValueError, RecursionError):
        return False
    return True


def _pcm(response: Any) -> bytes:
    audio = getattr(response.choices[0].message, "audio", None)
    data = getattr(audio, "data", None)
    if not isinstance(data, str):
        raise UpstreamProtocolError(reason="speech without audio")
    return b64decode(data)


def _tokens(response: Any) -> Usage | None:
    """Return the upstream's usage; all output of such a model is audio, even if it does not report that."""
    usage = usage_of(getattr(response, "usage", None))
    if usage is None or usage.audio_output_tokens:
        return usage
    return usage.plus(Usage(audio_output_tokens=usage.output_tokens))


def wav_head(size: int) -> bytes:
    """Make the header of a WAV file with so many bytes of Gemini's samples."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        _GEMINI_RATE,
        _GEMINI_RATE * 2,
        2,
        16,
        b"data",
        size,
    )


def _answer(_response: Any, _request: ProviderRequest) -> Answer:
    raise UpstreamProtocolError(reason="speech is always streamed")


SPEECH = EndpointAdapter(_function, _arguments, _answer, SpeechStream)
