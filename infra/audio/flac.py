"""FLAC (RFC 9639): the last frame says how many samples stand before it, whatever the head of the file promises."""

from __future__ import annotations

from dataclasses import dataclass

from infra.audio.window import Window

STREAMINFO = 34
"""Bytes of the block that describes the stream."""

_FIXED_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}, **{code: 1 << code for code in range(8, 16)}}
_ONE_BYTE_SIZE, _TWO_BYTE_SIZE = 6, 7
_LEAST_HEAD, _MOST_HEAD = 6, 16
_SAME_STREAM = b"\xff\xff\x0f\x0f"  # of a frame's head: sync, strategy, sample rate, bits of a sample
_BLOCKS = 200  # of description, in front of the first frame
_TAIL = 1 << 16
_TAILS = 64  # how far from the end a last frame is looked for
_CANDIDATES = 20_000
_SEVEN = 7


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte << 1 ^ 0x107) & 0x1FF if byte & 0x80 else byte << 1
    return byte


_REMAINDERS = bytes(_remainder(byte) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a STREAMINFO block says.

    Args:
        block: samples of a block, where all have the same.
        rate: samples a second.
        samples: of the whole stream; 0 = not known.
    """

    block: int
    rate: int
    samples: int


def shape(described: bytes) -> Shape | None:
    """A STREAMINFO block, read; ``None`` = it is none."""
    packed = int.from_bytes(described[10:18])
    rate = packed >> 44
    if len(described) < STREAMINFO or not rate:
        return None
    return Shape(int.from_bytes(described[2:4]), rate, packed & (1 << 36) - 1)


def milliseconds(window: Window) -> float | None:
    """Playing time; ``None`` = the file says nothing about its samples."""
    found = shape(window.at(window.start + 8, STREAMINFO))
    if found is None:
        return None
    samples = _samples_up_to_last_frame(window, found, _first_frame(window))
    samples = found.samples if samples is None else samples
    return samples * 1000 / found.rate if samples else None


def _first_frame(window: Window) -> bytes:
    """The first four bytes behind the blocks that describe the stream."""
    place, last = window.start + 4, 0
    for _ in range(_BLOCKS):
        if last:
            break
        head = window.at(place, 4)
        last = int.from_bytes(head[:1]) >> 7
        place += 4 + int.from_bytes(head[1:])
    return window.at(place, 4)


def _samples_up_to_last_frame(window: Window, found: Shape, first: bytes) -> int | None:
    if len(first) < len(_SAME_STREAM):
        return None
    left, end = _CANDIDATES, window.end
    for _ in range(_TAILS):
        start = max(window.start, end - _TAIL)
        data = window.content.read(start, min(window.end, end + _MOST_HEAD) - start)
        at = data.rfind(b"\xff", 0, end - start)
        while at >= 0 and left:
            head = data[at : at + _MOST_HEAD]
            samples = _samples_after(head, found) if _alike(head, first) else None
            if samples is not None:
                return samples
            left, at = left - 1, data.rfind(b"\xff", 0, at)
        if start == window.start or not left:
            return None
        end = start
    return None


def _alike(head: bytes, first: bytes) -> bool:
    """Whether two frames can belong to one stream."""
    return len(head) >= _LEAST_HEAD and all(
        (one ^ other) & mask == 0 for one, other, mask in zip(head, first, _SAME_STREAM, strict=False)
    )


def _samples_after(head: bytes, found: Shape) -> int | None:
    """Samples up to the end of a frame with this head; ``None`` = none begins here."""
    number, place = _coded(head)
    size, rate = head[2] >> 4, head[2] & 15
    block = _FIXED_SIZES.get(size, 0)
    if size in {_ONE_BYTE_SIZE, _TWO_BYTE_SIZE}:
        width = size - 5
        block = int.from_bytes(head[place : place + width]) + 1
        place += width
    place += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if not block or not place or len(head) <= place or _crc(head[:place]) != head[place]:
        return None
    return (number if head[1] & 1 else number * found.block) + block


def _coded(head: bytes) -> tuple[int, int]:
    """The number of the frame or of its first sample, and where it ends; (0, 0) = it is none."""
    lead = head[4]
    more = 0
    while more < _SEVEN and lead & 0x80 >> more:
        more += 1
    if more == 0:
        return lead, 5
    if more == 1 or len(head) < 4 + more:
        return 0, 0
    number = lead & (0x7F >> more)
    for byte in head[5 : 4 + more]:
        number = number << 6 | byte & 0x3F
    return number, 4 + more


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _REMAINDERS[value ^ byte]
    return value
