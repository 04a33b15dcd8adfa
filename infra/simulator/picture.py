"""Valid image files of any size that take next to no space: PNG, WebP and JPEG."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

from infra.simulator.jpeg import jpeg

_STRIPES = b"\x0f"
"""Four pixels of either colour."""

_CONTENT_TYPES = {"png": b"image/png", "webp": b"image/webp", "jpeg": b"image/jpeg"}
FORMATS = tuple(_CONTENT_TYPES)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to draw.

    Args:
        width: in pixels.
        height: in pixels.
        seed: eight hexadecimal digits that decide about the colours.
        format: one of ``FORMATS``.
        transparent: it can be seen through.
    """

    width: int
    height: int
    seed: str
    format: str
    transparent: bool = False

    @property
    def content_type(self) -> bytes:
        """Of the file."""
        return _CONTENT_TYPES[self.format]


@lru_cache(maxsize=64)
def draw(picture: Picture) -> bytes:
    """The file: stripes as PNG, one plain colour in the other formats."""
    colour = bytes.fromhex(picture.seed)
    if picture.format == "webp":
        return _webp(picture, colour)
    if picture.format == "jpeg":
        return jpeg(picture.width, picture.height, colour[0])
    return _png(picture, colour)


def _png(picture: Picture, colour: bytes) -> bytes:
    other = bytes(255 - each for each in colour[:3])
    row = b"\0" + _STRIPES * -(-picture.width // 8)
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 1, 3, 0, 0, 0)  # 1 bit, an index into a palette
    chunks = [(b"IHDR", header), (b"PLTE", colour[:3] + other)]
    if picture.transparent:
        chunks.append((b"tRNS", b"\0\0"))
    chunks += [(b"IDAT", zlib.compress(row * picture.height)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _webp(picture: Picture, colour: bytes) -> bytes:
    """Lossless: five prefix codes of one symbol each, so that no pixel takes a single bit."""
    bits = _Bits()
    bits.put(0x2F, 8)
    bits.put(picture.width - 1, 14)
    bits.put(picture.height - 1, 14)
    bits.put(picture.transparent, 1)
    bits.put(0, 3)  # version
    bits.put(0, 3)  # no transform, no colour cache, one group of codes for the whole picture
    for symbol in (colour[1], colour[0], colour[2], 0 if picture.transparent else 255, 0):
        bits.put(1, 1)  # a simple code
        bits.put(0, 1)  # of one symbol
        bits.put(1, 1)  # of eight bits
        bits.put(symbol, 8)
    data = bits.bytes()
    padded = data + bytes(len(data) % 2)
    chunk = b"VP8L" + struct.pack("<I", len(data)) + padded
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


class _Bits:
    """Bits in the order of WebP: the lowest one first."""

    def __init__(self) -> None:
        self._value = 0
        self._length = 0

    def put(self, value: int, length: int) -> None:
        self._value |= value << self._length
        self._length += length

    def bytes(self) -> bytes:
        return self._value.to_bytes(-(-self._length // 8), "little")
