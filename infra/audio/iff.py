"""Files of chunks: WAV (RIFF; RF64 and BW64 for large files; also written into a pipe) and AIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from infra.audio.window import ByteWindow

_HEAD = 12  # "RIFF" or "FORM", its size, "WAVE" or "AIFF"
_CHUNKS = 100_000
_CHUNK_HEADER = 8
_OPEN_SIZES = (0, 0xFFFFFFFF)
_SAMPLES_OF_WHOLE_BYTES = (1, 3, 6, 7)  # PCM, floats, A-law, mu-law
_EXTENSIBLE = 0xFFFE
_FORMAT = struct.Struct("<HHIIHH")
_SUBFORMAT = slice(24, 26)
_AIFF_COMMON = 18
_AIFF_RATE_BIAS = 16_383 + 63
_AIFF_OFFSETS = 8  # bytes in front of the samples
_AIFF_UNCOMPRESSED = frozenset({b"", b"NONE", b"sowt", b"twos"})


def _chunks(window: ByteWindow, order: Literal["little", "big"]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, offset and announced size of each chunk."""
    place = window.start + _HEAD
    for _ in range(_CHUNKS):
        head = window.at(place, _CHUNK_HEADER)
        if len(head) < _CHUNK_HEADER:
            return
        size = int.from_bytes(head[4:], order)
        place += _CHUNK_HEADER
        yield head[:4], place, size
        place += size + size % 2


def wav_ms(window: ByteWindow) -> float | None:
    """Measure a WAV file by the bytes of all its data chunks; None without any or without a valid format."""
    fmt, samples, long_size, size = b"", 0, 0, None
    for name, place, announced in _chunks(window, "little"):
        if name == b"data":
            rest = window.end - place
            if announced in _OPEN_SIZES:
                return _wav_length(fmt, samples, (size or 0) + min(long_size or rest, rest))
            size = (size or 0) + min(announced, rest)
        elif name == b"fmt ":
            fmt = window.at(place, min(announced, 40))
        elif name == b"fact":
            samples = int.from_bytes(window.at(place, 4), "little")
        elif name == b"ds64":
            long_size = int.from_bytes(window.at(place + 8, 8), "little")
    return None if size is None else _wav_length(fmt, samples, size)


def _wav_length(fmt: bytes, samples: int, size: int) -> float | None:
    if len(fmt) < _FORMAT.size:
        return None
    fields: tuple[int, ...] = _FORMAT.unpack_from(fmt)
    tag, channels, rate, byte_rate, _, bits = fields
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(fmt[_SUBFORMAT], "little")
    if tag in _SAMPLES_OF_WHOLE_BYTES:
        byte_rate = rate * channels * -(-bits // 8)
        samples = 0  # counted by their bytes
    if not byte_rate and not (samples and rate):
        return None
    by_size = size * 1000 / byte_rate if byte_rate else 0.0
    return max(by_size, samples * 1000 / rate) if samples not in _OPEN_SIZES and rate else by_size


def aiff_ms(window: ByteWindow) -> float | None:
    """Measure an AIFF or AIFF-C file; None if it contains no sound."""
    common, size = b"", None
    for name, place, announced in _chunks(window, "big"):
        if name == b"COMM":
            common = window.at(place, min(announced, _AIFF_COMMON + 4))
        elif name == b"SSND":
            size = (size or 0) + max(0, min(announced, window.end - place) - _AIFF_OFFSETS)
    if size is None or len(common) < _AIFF_COMMON:
        return None
    channels, samples, bits = (int.from_bytes(common[at:end]) for at, end in ((0, 2), (2, 6), (6, 8)))
    exponent, mantissa = int.from_bytes(common[8:10]) - _AIFF_RATE_BIAS, int.from_bytes(common[10:18])
    rate = mantissa * 2.0 ** max(-100, min(100, exponent))
    width = channels * -(-bits // 8)
    if common[_AIFF_COMMON:] in _AIFF_UNCOMPRESSED and width:
        samples = size // width
    return samples * 1000 / rate if rate else None
