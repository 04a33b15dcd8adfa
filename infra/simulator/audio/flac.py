"""Silence in FLAC (RFC 9639)."""

from __future__ import annotations

from collections.abc import Iterator

from infra.simulator.audio.tone import PIECE_SAMPLES, SAMPLE_RATE

_FRAME_PIECES = 2
_BLOCK = _FRAME_PIECES * PIECE_SAMPLES
_SIZE_CODES = {1: 4, 2: 5}  # of 2,304 and 4,608 samples
_BITS = 16
_ONE_BYTE, _TWO_BYTES, _THREE_BYTES = 1 << 7, 1 << 11, 1 << 16
_CRC8, _CRC16 = 0x07, 0x8005


def silence(pieces: int) -> Iterator[bytes]:
    """Generate a file of ``pieces`` times 96 ms: 24 kHz, 16 bits, mono, two pieces in a frame."""
    yield _head(pieces * PIECE_SAMPLES)
    for number, first in enumerate(range(0, pieces, _FRAME_PIECES)):
        yield _frame(number, min(_FRAME_PIECES, pieces - first))


def _head(samples: int) -> bytes:
    """Make STREAMINFO with unknown frame sizes and sample digest, as the format allows."""
    shape = SAMPLE_RATE << 44 | (_BITS - 1) << 36 | samples
    described = _BLOCK.to_bytes(2) * 2 + bytes(6) + shape.to_bytes(8) + bytes(16)
    return b"fLaC\x80" + len(described).to_bytes(3) + described


def _frame(number: int, pieces: int) -> bytes:
    """Make a constant subframe of value 0; the code of 24 kHz is 7, of one channel 0, of 16 bits 4."""
    head = bytes([0xFF, 0xF8, _SIZE_CODES[pieces] << 4 | 7, 4 << 1]) + _coded(number)
    frame = head + bytes([_crc(head, 8, _CRC8)]) + bytes(3)
    return frame + _crc(frame, 16, _CRC16).to_bytes(2)


def _coded(number: int) -> bytes:
    """Encode a frame number as UTF-8 encodes a character, surrogates included."""
    if number < _ONE_BYTE:
        return bytes([number])
    if number < _TWO_BYTES:
        return bytes([0xC0 | number >> 6, 0x80 | number & 0x3F])
    if number < _THREE_BYTES:
        return bytes([0xE0 | number >> 12, 0x80 | number >> 6 & 0x3F, 0x80 | number & 0x3F])
    return bytes([0xF0 | number >> 18, *(0x80 | number >> shift & 0x3F for shift in (12, 6, 0))])


def _crc(data: bytes, width: int, polynomial: int) -> int:
    top, mask = 1 << width - 1, (1 << width) - 1
    value = 0
    for byte in data:
        value ^= byte << width - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
    return value
