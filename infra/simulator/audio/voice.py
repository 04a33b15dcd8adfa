"""Speech: the same text and voice give the same file, in every format of OpenAI's speech API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from infra.simulator.audio import flac, ogg_opus
from infra.simulator.audio.tone import AAC_PIECE, MP3_PIECE, piece, wav_header

UNIT_MS = 96
"""Length of a piece of speech: a multiple of the frames of MP3 (24 ms) and AAC (32 ms)."""

UNITS_PER_CHUNK = 2
"""Pieces in a chunk."""

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
"""``response_format`` of a request -> ``Content-Type`` of the answer."""


def spoken_ms(text: str, speed: float = 1.0) -> int:
    """Return the length of a spoken text: 60 ms per character, rounded up to pieces of 96 ms, at least three pieces.

    Args:
        text: to speak.
        speed: factor, more than 0.
    """
    return UNIT_MS * _units(text, speed)


def speak(text: str, voice: str, audio_format: str, speed: float = 1.0) -> Iterator[bytes]:
    """Generate an audio file of exactly ``spoken_ms``, in chunks of 192 ms.

    ``wav`` and ``pcm`` (24 kHz, 16 bits, mono) contain a tone for each piece, chosen by voice and letter. Compressed
    formats contain silence.

    Args:
        text: to speak.
        voice: any name.
        audio_format: a key of ``CONTENT_TYPES``.
        speed: as for ``spoken_ms``.

    Raises:
        KeyError: unknown format.
    """
    make = _MAKERS[audio_format]
    return make(text, voice, _units(text, speed))


def _units(text: str, speed: float) -> int:
    return max(_SHORTEST_UNITS, -int(-len(text) * _CHARACTER_MS / speed // UNIT_MS))


def _chunks(units: int) -> Iterator[range]:
    """Yield the numbers of the pieces in each chunk."""
    for first in range(0, units, UNITS_PER_CHUNK):
        yield range(first, min(first + UNITS_PER_CHUNK, units))


def _pcm(text: str, voice: str, units: int) -> Iterator[bytes]:
    for numbers in _chunks(units):
        yield b"".join(piece(voice, text[number * len(text) // units :][:1]) for number in numbers)


def _wav(text: str, voice: str, units: int) -> Iterator[bytes]:
    yield wav_header(units)
    yield from _pcm(text, voice, units)


def _mp3(_text: str, _voice: str, units: int) -> Iterator[bytes]:
    for numbers in _chunks(units):
        yield MP3_PIECE * len(numbers)


def _aac(_text: str, _voice: str, units: int) -> Iterator[bytes]:
    for numbers in _chunks(units):
        yield AAC_PIECE * len(numbers)


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
