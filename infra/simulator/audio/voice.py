"""Text made into audio: the same text and voice, the same file, in every format of OpenAI's speech API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from infra.simulator.audio import flac, mpeg, ogg_opus, tone

UNIT_MS = 96
"""Speech comes in pieces of this length: frames of MP3 (24 ms) and AAC (32 ms) fit into it without a rest."""

UNITS_PER_CHUNK = 2
"""Pieces that are handed out together."""

_CHARACTER_MS = 60
_SHORTEST_UNITS = 3

CONTENT_TYPES: Mapping[str, bytes] = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/ogg",
    "aac": b"audio/aac",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
    "pcm": b"audio/pcm",
}
"""``response_format`` of a request -> what the answer says it is."""


def spoken_ms(text: str, speed: float = 1.0) -> int:
    """Milliseconds that a text takes: 60 for each character, rounded up to whole pieces of 96, at least three of them.

    Args:
        text: what is said.
        speed: how many times as fast; more than 0.
    """
    return UNIT_MS * _units(text, speed)


def speak(text: str, voice: str, audio_format: str, speed: float = 1.0) -> Iterator[bytes]:
    """A whole audio file of exactly ``spoken_ms``, in chunks of 192 ms that are made when they are asked for.

    ``wav`` and ``pcm`` (24 kHz, 16 bits, mono) sound: a tone for each piece, which depends on voice and letter. What
    is compressed is silent.

    Args:
        text: what is said.
        voice: name of the voice; any.
        audio_format: a key of ``CONTENT_TYPES``.
        speed: as for ``spoken_ms``.

    Raises:
        KeyError: there is no such format.
    """
    make = _MAKERS[audio_format]
    return make(text, voice, _units(text, speed))


def _units(text: str, speed: float) -> int:
    return max(_SHORTEST_UNITS, -int(-len(text) * _CHARACTER_MS / speed // UNIT_MS))


def _chunks(units: int) -> Iterator[range]:
    """The pieces, by number, that each chunk consists of."""
    for first in range(0, units, UNITS_PER_CHUNK):
        yield range(first, min(first + UNITS_PER_CHUNK, units))


def _pcm(text: str, voice: str, units: int) -> Iterator[bytes]:
    for numbers in _chunks(units):
        yield b"".join(tone.piece(voice, text[number * len(text) // units :][:1]) for number in numbers)


def _wav(text: str, voice: str, units: int) -> Iterator[bytes]:
    yield tone.wav_header(units)
    yield from _pcm(text, voice, units)


def _mp3(_text: str, _voice: str, units: int) -> Iterator[bytes]:
    for numbers in _chunks(units):
        yield mpeg.MP3_PIECE * len(numbers)


def _aac(_text: str, _voice: str, units: int) -> Iterator[bytes]:
    for numbers in _chunks(units):
        yield mpeg.AAC_PIECE * len(numbers)


def _opus(_text: str, _voice: str, units: int) -> Iterator[bytes]:
    return ogg_opus.silence(units * UNIT_MS)


def _flac(_text: str, _voice: str, units: int) -> Iterator[bytes]:
    return flac.silence(units)


_MAKERS: Mapping[str, Callable[[str, str, int], Iterator[bytes]]] = {
    "mp3": _mp3,
    "opus": _opus,
    "aac": _aac,
    "flac": _flac,
    "wav": _wav,
    "pcm": _pcm,
}
