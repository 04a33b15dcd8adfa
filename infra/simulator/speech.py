"""``POST /v1/audio/speech``: audio in chunks or as server-sent events."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from domain.estimates import estimate_tokens, speech_tokens
from domain.usage import Usage
from infra.simulator.audio.voice import CONTENT_TYPES, speak
from infra.simulator.checks import check_model, expect, missing, number, one_of, wrong
from infra.simulator.reply import Event, Pieces, Reply, Request

VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin"),
    "cedar",
)
_LONGEST = 4096
_SLOWEST, _FASTEST = 0.25, 4.0
_CHARACTERS_PER_CHUNK = 3
"""Length of the text in a chunk at the default speed; used only for the pace."""


def plan(request: Request) -> Reply:
    """Plan the answer to a request for speech, which is always streamed.

    Raises:
        SimulatedError: 400, invalid request.
    """
    body = request.members
    _validate(body)
    text: str = body["input"]
    spoken = speech_tokens(len(text))
    characters = Usage(characters=len(text))
    audio_format = body.get("response_format") or "mp3"
    chunks = speak(text, _voice(body["voice"]), audio_format, body.get("speed") or 1.0)
    if body.get("stream_format") != "sse":
        # The format has neither usage nor an end of its own.
        pieces = Pieces(
            events=((chunk, _CHARACTERS_PER_CHUNK) for chunk in chunks),
            closing=b"",
            content_type=CONTENT_TYPES[audio_format],
            failure=None,
            counted=False,
        )
        return Reply(pieces, usage=characters, begun=characters, reported=None)
    tokens = Usage(
        input_tokens=estimate_tokens(len(text) + len(body.get("instructions") or "")),
        output_tokens=spoken,
        audio_output_tokens=spoken,
    )
    return Reply(
        answer=Pieces(_deltas(chunks), _done(tokens if request.with_usage else None), counted=False),
        usage=characters.plus(tokens) if request.with_usage else characters,
        begun=characters,
        reported=tokens if request.with_usage else None,
    )


def _deltas(chunks: Iterator[bytes]) -> Iterator[Event]:
    for chunk in chunks:
        delta = {"type": "speech.audio.delta", "audio": base64.b64encode(chunk).decode()}
        yield b"data: " + msgspec.json.encode(delta) + b"\n\n", _CHARACTERS_PER_CHUNK


def _done(tokens: Usage | None) -> bytes:
    done: dict[str, Any] = {"type": "speech.audio.done"}
    if tokens is not None:
        done["usage"] = {
            "input_tokens": tokens.input_tokens,
            "output_tokens": tokens.output_tokens,
            "total_tokens": tokens.input_tokens + tokens.output_tokens,
        }
    return b"data: " + msgspec.json.encode(done) + b"\n\n"


def _validate(body: Mapping[str, Any]) -> None:
    check_model(body)
    for name in ("input", "voice"):
        if body.get(name) is None:
            raise missing(name)
    expect(body["input"], str, "input", "a string")
    if not body["input"]:
        message = "Invalid 'input': string too short. Expected a string with minimum length 1, but got an empty string."
        raise wrong(message, "input", "string_below_min_length")
    if len(body["input"]) > _LONGEST:
        message = f"Invalid 'input': string too long. Expected a string with maximum length {_LONGEST}."
        raise wrong(message, "input", "string_above_max_length")
    _check_voice(body["voice"])
    number(body, "speed", _SLOWEST, _FASTEST)
    if body.get("instructions") is not None:
        expect(body["instructions"], str, "instructions", "a string")
    if body.get("response_format") is not None:
        one_of(body["response_format"], tuple(CONTENT_TYPES), "response_format")
    if body.get("stream_format") is not None:
        one_of(body["stream_format"], ("sse", "audio"), "stream_format")


def _check_voice(voice: object) -> None:
    """Accept a known name, or an object with the id of a custom voice."""
    if not isinstance(voice, dict):
        one_of(voice, VOICES, "voice")
    elif voice.get("id") is None:
        raise missing("voice.id")
    else:
        expect(voice["id"], str, "voice.id", "a string")


def _voice(voice: str | Mapping[str, str]) -> str:
    return voice if isinstance(voice, str) else voice["id"]
