"""FLAC (RFC 9639): the sum of the samples of all frames, whatever the header of the file announces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.audio.window import BLOCK, ByteWindow

STREAMINFO = 34
"""Bytes of the block that describes the stream."""

_FIXED_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}, **{code: 1 << code for code in range(8, 16)}}
_ONE_BYTE_SIZE, _TWO_BYTE_SIZE = 6, 7
_RATE_BYTES = {12: 1, 13: 2, 14: 2}
_FRAME_START, _FRAME_HEADER = 4, 16
_METADATA_BLOCKS = 200
_CANDIDATES = 1_000_000
_LONGEST_NUMBER = 7


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1 ^ 0x107) & 0x1FF if byte & 0x80 else byte << 1
    return byte


_REMAINDERS = bytes(_remainder(byte) for byte in range(256))


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A parsed STREAMINFO block.

    Args:
        rate: samples per second.
        samples: of the stream; 0 if unknown.
    """

    rate: int
    samples: int


def stream_info(block: bytes) -> StreamInfo | None:
    """Parse a STREAMINFO block; None if invalid."""
    packed = int.from_bytes(block[10:18])
    rate = packed >> 44
    return StreamInfo(rate, packed & (1 << 36) - 1) if len(block) >= STREAMINFO and rate else None


def milliseconds(window: ByteWindow) -> float | None:
    """Measure the frames, or without any use the number of samples in the header; None if neither is there."""
    info = stream_info(window.at(window.start + 8, STREAMINFO))
    if info is None:
        return None
    place = _first_frame(window)
    samples = _count(window, place, window.at(place, _FRAME_START))
    if samples is None:
        return None
    samples = samples or info.samples
    return samples * 1000 / info.rate if samples else None


def _first_frame(window: ByteWindow) -> int:
    """Return the offset behind the metadata blocks."""
    place, last = window.start + 4, 0
    for _ in range(_METADATA_BLOCKS):
        if last:
            break
        head = window.at(place, 4)
        last = int.from_bytes(head[:1]) >> 7
        place += 4 + int.from_bytes(head[1:])
    return place


def _count(window: ByteWindow, place: int, first: bytes) -> int | None:
    """Add up the samples of all frames from an offset on; None if too many places look like one.

    A frame begins like the first one: the same sync code, blocking strategy, sample rate and sample size.
    """
    if len(first) < _FRAME_START or first[0] != 0xFF:  # noqa: PLR2004 - the sync code
        return 0
    alike = [bytes(high << 4 | byte & 0x0F for high in range(16)) for byte in first[2:]]
    frame = re.compile(b"\xff%b[%b][%b]" % (re.escape(first[1:2]), *map(re.escape, alike)), re.DOTALL)
    samples, candidates = 0, _CANDIDATES
    while place < window.end:
        data = window.content.read(place, min(BLOCK + _FRAME_HEADER, window.end - place))
        for found in frame.finditer(data):
            at = found.start()
            if at >= BLOCK:
                break
            candidates -= 1
            samples += _block_size(data[at : at + _FRAME_HEADER])
        if candidates < 0:
            return None
        place += BLOCK
    return samples


def _block_size(head: bytes) -> int:
    """Return the number of samples in the frame with this header; 0 if its checksum is wrong."""
    size, rate = head[2] >> 4, head[2] & 15
    place = _behind_number(head)
    block = _FIXED_SIZES.get(size, 0)
    if size in {_ONE_BYTE_SIZE, _TWO_BYTE_SIZE}:
        width = size - 5
        block = int.from_bytes(head[place : place + width]) + 1
        place += width
    place += _RATE_BYTES.get(rate, 0)
    return block if len(head) > place and _crc(head[:place]) == head[place] else 0


def _behind_number(head: bytes) -> int:
    """Return the offset behind the number of the frame or sample, which is coded like a character in UTF-8."""
    lead, more = head[4] if len(head) > _FRAME_START else 0, 0
    while more < _LONGEST_NUMBER and lead & 0x80 >> more:
        more += 1
    return _FRAME_START + max(1, more)


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _REMAINDERS[value ^ byte]
    return value
