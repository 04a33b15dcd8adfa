"""Pieces of 96 ms: tones in 16-bit samples with the header of a WAV file, and silence in MP3 and AAC."""

from __future__ import annotations

import struct
from functools import cache
from math import pi, sin
from zlib import crc32

SAMPLE_RATE = 24_000
PIECE_SAMPLES = 2304
"""96 ms."""

_PERIODS = (48, 64, 72, 96, 128, 144, 192)
"""Samples per period, 500 to 125 Hz; each divides a piece, so that pieces join without a click."""

_LOUDNESS = 6000
_SAMPLE_BYTES = 2

_MP3_FRAME = bytes.fromhex("fff344c0") + bytes(92)
"""24 ms: MPEG 2 layer III, 32 kbit/s, 24 kHz, mono. All-zero side information means silence."""

_AAC_FRAME = bytes.fromhex("fff1544001 7ffc 00000007".replace(" ", ""))
"""32 ms in ADTS: AAC LC, 32 kHz, one channel element without bands, and the end."""

MP3_PIECE = _MP3_FRAME * 4
AAC_PIECE = _AAC_FRAME * 3


def piece(voice: str, letter: str) -> bytes:
    """Return 96 ms of the tone of a voice and a letter: 16 bits, little-endian, mono, 24 kHz."""
    return _tone(_PERIODS[crc32(f"{voice}/{letter}".encode("utf-8", "replace")) % len(_PERIODS)])


def wav_header(pieces: int) -> bytes:
    """Return the header of a WAV file of so many pieces."""
    size = pieces * PIECE_SAMPLES * _SAMPLE_BYTES
    pcm, channels, bits = 1, 1, 8 * _SAMPLE_BYTES
    described = struct.pack("<HHIIHH", pcm, channels, SAMPLE_RATE, SAMPLE_RATE * _SAMPLE_BYTES, _SAMPLE_BYTES, bits)
    content = b"WAVEfmt " + struct.pack("<I", len(described)) + described + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", len(content) + size) + content


@cache
def _tone(period: int) -> bytes:
    samples = (round(_LOUDNESS * sin(2 * pi * step / period)) for step in range(period))
    return struct.pack(f"<{period}h", *samples) * (PIECE_SAMPLES // period)
