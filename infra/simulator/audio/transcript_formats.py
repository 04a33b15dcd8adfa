"""Transcripts in OpenAI's formats: a complete body, or the events of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import msgspec

from infra.simulator.audio.transcript import Segment, Transcript, srt, transcript, vtt
from infra.simulator.reply import JSON, TEXT

_LANGUAGES = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "pl": "polish",
    "ru": "russian",
    "zh": "chinese",
    "ja": "japanese",
    "ko": "korean",
}
_SPEAKERS = ("A", "B")


@dataclass(frozen=True, slots=True)
class TranscriptOptions:
    """Options of a request that shape its answer.

    Args:
        response_format: ``json``, ``text``, ``srt``, ``vtt``, ``verbose_json`` or ``diarized_json``.
        granularities: ``timestamp_granularities``: ``word``, ``segment``; empty means segments.
        language: of the recording, two letters; None means English.
        speakers: ``known_speaker_names``, in turn.
        temperature: as sent.
        log_probabilities: ``include`` contains ``logprobs``.
        translation: the answer is a translation into English.
    """

    response_format: str = "json"
    granularities: frozenset[str] = frozenset()
    language: str | None = None
    speakers: tuple[str, ...] = ()
    temperature: float = 0.0
    log_probabilities: bool = False
    translation: bool = False


Usage = Mapping[str, Any] | None
"""The ``usage`` member; None if the upstream reports nothing."""


def answer(milliseconds: int, model: str, options: TranscriptOptions, usage: Usage = None) -> tuple[bytes, bytes]:
    """Return the body and the content type of a complete answer.

    Args:
        milliseconds: length of the recording.
        model: of the request.
        options: of the request.
        usage: for the formats that have this member.

    Raises:
        KeyError: unknown format.
    """
    write = _FORMATS[options.response_format]
    content = write(transcript(milliseconds, model), options)
    if isinstance(content, str):
        return content.encode(), TEXT
    return msgspec.json.encode(content if usage is None else {**content, "usage": usage}), JSON


def events(milliseconds: int, model: str, options: TranscriptOptions, usage: Usage = None) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream: a delta per word, the segment after each sentence of ``diarized_json``, the end.

    Args:
        milliseconds: length of the recording.
        model: of the request.
        options: of the request.
        usage: for the last event.
    """
    spoken = transcript(milliseconds, model)
    with_speakers = options.response_format == "diarized_json"
    for segment in spoken.segments:
        diarized = _diarized_segment(segment, options.speakers)
        for piece in _pieces(segment):
            delta = {"type": "transcript.text.delta", "delta": piece}
            of_segment = {"segment_id": diarized["id"]} if with_speakers else {}
            yield {**delta, **of_segment, **_log_probabilities([piece], options)}
        if with_speakers:
            yield diarized
    done = {"type": "transcript.text.done", **_json(spoken, options)}
    yield done if usage is None else {**done, "usage": usage}


def _pieces(segment: Segment) -> list[str]:
    """Return the words with the spaces and the full stop around them."""
    first = "" if segment.number == 0 else " "
    pieces = [first + segment.words[0].text, *(f" {word.text}" for word in segment.words[1:])]
    return [*pieces[:-1], pieces[-1] + "."]


def _log_probabilities(pieces: list[str], options: TranscriptOptions) -> dict[str, Any]:
    """Return ``logprobs``, well-formed but without meaning, where the request asks for them."""
    if not options.log_probabilities:
        return {}
    return {
        "logprobs": [
            {"token": piece, "logprob": -(crc32(piece.encode()) % 1000) / 1000, "bytes": list(piece.encode())}
            for piece in pieces
        ]
    }


def _json(spoken: Transcript, options: TranscriptOptions) -> dict[str, Any]:
    pieces = [piece for segment in spoken.segments for piece in _pieces(segment)]
    return {"text": spoken.text, **_log_probabilities(pieces, options)}


def _verbose(spoken: Transcript, options: TranscriptOptions) -> dict[str, Any]:
    language = "en" if options.language is None or options.translation else options.language
    content: dict[str, Any] = {
        "task": "translate" if options.translation else "transcribe",
        "language": _LANGUAGES.get(language, language),
        "duration": spoken.milliseconds / 1000,
        "text": spoken.text,
    }
    if "word" in options.granularities:
        content["words"] = [
            {"word": word.text, "start": word.start / 1000, "end": word.end / 1000} for word in spoken.words
        ]
    if "segment" in options.granularities or not options.granularities:
        content["segments"] = [_verbose_segment(segment, options.temperature) for segment in spoken.segments]
    return content


def _verbose_segment(segment: Segment, temperature: float) -> dict[str, Any]:
    return {
        "id": segment.number,
        "seek": segment.start // 10,
        "start": segment.start / 1000,
        "end": segment.end / 1000,
        "text": f" {segment.text}",
        "tokens": [crc32(word.text.encode()) % 50_000 for word in segment.words],
        "temperature": temperature,
        "avg_logprob": -0.25,
        "compression_ratio": 1.25,
        "no_speech_prob": 0.01,
    }


def _diarized(spoken: Transcript, options: TranscriptOptions) -> dict[str, Any]:
    return {
        "task": "transcribe",
        "duration": spoken.milliseconds / 1000,
        "text": spoken.text,
        "segments": [_diarized_segment(segment, options.speakers) for segment in spoken.segments],
    }


def _diarized_segment(segment: Segment, speakers: tuple[str, ...]) -> dict[str, Any]:
    """Return a segment with its speaker: a member of ``diarized_json`` and an event of a stream."""
    names = speakers or _SPEAKERS
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{segment.number + 1:03}",
        "start": segment.start / 1000,
        "end": segment.end / 1000,
        "text": segment.text,
        "speaker": names[segment.number % len(names)],
    }


_FORMATS: Mapping[str, Callable[[Transcript, TranscriptOptions], dict[str, Any] | str]] = {
    "json": _json,
    "text": lambda spoken, _options: spoken.text + "\n",
    "srt": lambda spoken, _options: srt(spoken),
    "vtt": lambda spoken, _options: vtt(spoken),
    "verbose_json": _verbose,
    "diarized_json": _diarized,
}
