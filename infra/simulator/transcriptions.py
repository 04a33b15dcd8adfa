"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``: generated words for the length of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from domain.estimates import audio_input_tokens, estimate_tokens
from domain.form import Form
from domain.usage import Usage
from infra.audio.length import length_ms
from infra.simulator.audio.transcript import transcript
from infra.simulator.audio.transcript_formats import TranscriptOptions, answer, events
from infra.simulator.checks import check_model, missing, number, one_of, wrong
from infra.simulator.reply import JSON, TEXT, Pieces, Reply, Request, Whole
from infra.simulator.uploads import typed_members, uploaded

_FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
_TRANSLATED = ("json", "text", "srt", "verbose_json", "vtt")
_PLAIN_TEXT = frozenset({"text", "srt", "vtt"})
_TIMED = frozenset({"verbose_json", "diarized_json"})
"""Formats that contain the length of the recording, with or without usage."""

_GRANULARITIES = ("word", "segment")
_TYPES = {"temperature": float, "stream": bool}


def plan_transcription(request: Request) -> Reply:
    """Plan the answer to a request for a transcript.

    Raises:
        SimulatedError: 400, invalid request or audio file.
    """
    return _plan(request, _FORMATS, translation=False)


def plan_translation(request: Request) -> Reply:
    """Plan the answer to a request for a translation into English, which is never streamed.

    Raises:
        SimulatedError: 400, invalid request or audio file.
    """
    return _plan(request, _TRANSLATED, translation=True)


def _plan(request: Request, formats: tuple[str, ...], *, translation: bool) -> Reply:
    if request.form is None:
        raise wrong("The request must be multipart/form-data.", "file")
    body = typed_members(request.members, _TYPES)
    check_model(body)
    milliseconds = _length(request.form)
    options = _options(body, formats, translation=translation)
    stream = request.stream and not translation
    length = Usage(audio_milliseconds=milliseconds)
    used, shown = _usage(milliseconds, body)
    plain = not stream and options.response_format in _PLAIN_TEXT
    if plain or not request.with_usage:
        used, shown = Usage(), None
    total = used if used.audio_milliseconds else used.plus(length)
    if not stream:
        timed = options.response_format in _TIMED
        reported = used if shown is not None else length if timed else None
        write = partial(answer, milliseconds, body["model"], options, shown)
        return Reply(Whole(lambda: write()[0], TEXT if plain else JSON), total, length, reported)
    *deltas, done = events(milliseconds, body["model"], options, shown)
    pieces = Pieces(((_event(each), len(each.get("delta", ""))) for each in deltas), _event(done), counted=False)
    return Reply(pieces, total, length, None if shown is None else used)


def _length(form: Form) -> int:
    files = uploaded(form, "file")
    if not files:
        raise missing("file")
    milliseconds = length_ms(files[0].content)
    if milliseconds is None:
        raise wrong("Audio file might be corrupted or unsupported", "file", "invalid_value")
    return milliseconds


def _options(body: Mapping[str, Any], formats: tuple[str, ...], *, translation: bool) -> TranscriptOptions:
    wanted = body.get("response_format") or "json"
    one_of(wanted, formats, "response_format")
    number(body, "temperature", 0, 1)
    granularities = _list(body, "timestamp_granularities")
    for each in granularities:
        one_of(each, _GRANULARITIES, "timestamp_granularities")
    return TranscriptOptions(
        response_format=wanted,
        granularities=frozenset(granularities),
        language=body.get("language") or None,
        speakers=tuple(_list(body, "known_speaker_names")),
        temperature=float(body.get("temperature") or 0.0),
        log_probabilities="logprobs" in _list(body, "include"),
        translation=translation,
    )


def _list(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    return value if isinstance(value, list) else [value]


def _usage(milliseconds: int, body: Mapping[str, Any]) -> tuple[Usage, dict[str, Any] | None]:
    """Return the usage as quantities and as the answer's member: tokens for newer models, time for others."""
    model = body["model"]
    if "transcribe" not in model:
        usage = Usage(audio_milliseconds=milliseconds)
        return usage, {"type": "duration", "seconds": milliseconds / 1000}
    audio, text = audio_input_tokens(milliseconds), estimate_tokens(len(body.get("prompt") or ""))
    written = estimate_tokens(len(transcript(milliseconds, model).text))
    usage = Usage(input_tokens=audio + text, output_tokens=written, audio_input_tokens=audio)
    return usage, {
        "type": "tokens",
        "input_tokens": usage.input_tokens,
        "input_token_details": {"text_tokens": text, "audio_tokens": audio},
        "output_tokens": written,
        "total_tokens": usage.input_tokens + written,
    }


def _event(event: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"
