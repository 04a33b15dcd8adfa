"""``/audio/speech`` through LiteLLM: Google Cloud's voices (Chirp, Studio, WaveNet), Gemini's, and what else it knows.

LiteLLM hands speech over in one piece, also where its vendor makes it piece by piece. Gemini's models are asked as chat
models: LiteLLM's own way to them calls the upstream twice and cannot be stopped.
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


def _arguments(asked: ProviderRequest) -> dict[str, Any]:
    members = members_of(asked, _KNOWN, _OURS)
    if members.pop("stream_format", "audio") != "audio":
        raise unsupported("stream_format", "This model hands audio over as such: leave 'stream_format' out.")
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
    if asked.target.gemini:
        return _gemini(members)
    if asked.target.provider == "vertex_ai":
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
    """Audio that LiteLLM had in one piece; implements the port's ``Stream``.

    Args:
        response: what LiteLLM returned.
        asked: the call.
    """

    def __init__(self, response: Any, asked: ProviderRequest, _limits: StreamLimits) -> None:
        wanted = members_of(asked, _KNOWN, _OURS).get("response_format")
        if asked.target.gemini:
            self._audio, self.usage = _pcm(response), _tokens(response)
            wanted = wanted or "wav"
            if wanted == "wav":
                self._audio = wav_head(len(self._audio)) + self._audio
        else:
            self._audio, self.usage = bytes(response.content), None
        self.content_type = _TYPES[wanted or "mp3"]
        self.ended = False

    usage: Usage | None

    async def begin(self) -> None:
        """Look whether there is anything.

        Raises:
            UpstreamProtocolError: there is not, or it is an error or a page: LiteLLM does not look at what it gets.
        """
        if not self._audio:
            raise UpstreamProtocolError(reason="speech without audio")
        if _is_text(self._audio):
            raise UpstreamProtocolError(reason="a text where audio was asked for")

    def output_so_far(self) -> int:
        """Nobody counts tokens of speech here."""
        return 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Blocks of audio."""
        for start in range(0, len(self._audio), _BLOCK):
            self.ended = start + _BLOCK >= len(self._audio)
            yield self._audio[start : start + _BLOCK]

    async def aclose(self) -> None:
        """Nothing runs any more."""


def _is_text(audio: bytes) -> bool:
    """Whether it is an object, a page or a stream of events. Samples may begin like one, but do not go on so."""
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
    """What the upstream counted. All that such a model says is audio, whether it says so or not."""
    usage = usage_of(getattr(response, "usage", None))
    if usage is None or usage.audio_output_tokens:
        return usage
    return usage.plus(Usage(audio_output_tokens=usage.output_tokens))


def wav_head(size: int) -> bytes:
    """What stands before so many bytes of Gemini's samples in a WAV file."""
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


def _answer(_response: Any, _asked: ProviderRequest) -> Answer:
    raise UpstreamProtocolError(reason="speech is always a stream")


SPEECH = EndpointAdapter(_function, _arguments, _answer, SpeechStream)
