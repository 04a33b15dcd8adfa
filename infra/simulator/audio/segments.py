"""Words and segments as members of OpenAI's answers; times in seconds."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from infra.simulator.audio.transcript import Segment, Word

_LETTERS = ("A", "B")


def verbose_word(word: Word) -> dict[str, Any]:
    """A member of ``words``."""
    return {"word": word.text, "start": word.start / 1000, "end": word.end / 1000}


def verbose_segment(segment: Segment, temperature: float) -> dict[str, Any]:
    """A member of ``segments`` in ``verbose_json``; what a real model thinks of its own work is made up."""
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


def diarized(segment: Segment, speakers: tuple[str, ...]) -> dict[str, Any]:
    """A segment with its speaker, as it stands in ``diarized_json`` and as an event of a stream.

    Args:
        segment: what is said.
        speakers: names of those who take turns; none = two of them, called by letters.
    """
    names = speakers or _LETTERS
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{segment.number + 1:03}",
        "start": segment.start / 1000,
        "end": segment.end / 1000,
        "text": segment.text,
        "speaker": names[segment.number % len(names)],
    }


def log_probability(piece: str) -> dict[str, Any]:
    """A member of ``logprobs``: well-formed, but it means nothing."""
    return {"token": piece, "logprob": -(crc32(piece.encode()) % 1000) / 1000, "bytes": list(piece.encode())}
