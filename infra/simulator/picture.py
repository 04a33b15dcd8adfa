"""Small valid image files of any size in PNG, WebP and JPEG, and URLs that describe them."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

_STRIPES = b"\x0f"
"""Four pixels of each colour."""

_CONTENT_TYPES = {"png": b"image/png", "webp": b"image/webp", "jpeg": b"image/jpeg"}
FORMATS = tuple(_CONTENT_TYPES)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image to draw.

    Args:
        width: in pixels.
        height: in pixels.
        seed: eight hexadecimal digits that determine the colours.
        format: one of ``FORMATS``.
        transparent: with a transparent background.
    """

    width: int
    height: int
    seed: str
    format: str
    transparent: bool = False

    @property
    def content_type(self) -> bytes:
        """Content type of the file."""
        return _CONTENT_TYPES[self.format]


@lru_cache(maxsize=64)
def draw(picture: Picture) -> bytes:
    """Encode the file: stripes as PNG, one colour in the other formats."""
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
    """Encode without loss, with five prefix codes of one symbol each: pixels take no bits."""
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
    """Bits in WebP's order: the lowest first."""

    def __init__(self) -> None:
        self._value = 0
        self._length = 0

    def put(self, value: int, length: int) -> None:
        self._value |= value << self._length
        self._length += length

    def bytes(self) -> bytes:
        return self._value.to_bytes(-(-self._length // 8), "little")


_BLOCK = 8  # pixels on each side


def jpeg(width: int, height: int, grey: int) -> bytes:
    """Encode a baseline JPEG of one grey: the first block sets it, every other block says no change.

    Args:
        width: in pixels.
        height: in pixels.
        grey: from 0 to 255.
    """
    blocks = -(-width // _BLOCK) * -(-height // _BLOCK)
    # With a quantisation of 8 the first coefficient of a block is its mean minus 128.
    level = grey - 128
    size = abs(level).bit_length()
    segments = [
        (0xE0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, 0, 1, 1, 0, 0)),
        (0xDB, b"\0" + b"\x08" * 64),
        (0xC0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)),
        # Lengths of codes, then symbols: "0" means unchanged, "10" a change of that many bits; "0" ends a block.
        (0xC4, b"\0" + bytes([1, 1]) + bytes(14) + bytes([0, size or 1])),
        (0xC4, b"\x10" + bytes([1]) + bytes(15) + b"\0"),
        (0xDA, struct.pack(">BBBBBB", 1, 1, 0, 0, 63, 0)),
    ]
    head = b"".join(struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments)
    value = level if level >= 0 else level + (1 << size) - 1
    first = f"10{value:0{size}b}0" if size else "00"
    bits = first + "00" * (blocks - 1)
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"\xff\xd8" + head + data + b"\xff\xd9"


PREFIX = "/simulator/images/"
LARGEST = 4096
"""Pixels on each side."""

_NAME = re.compile(rf"([0-9a-f]{{8}})-(\d{{1,4}})x(\d{{1,4}})(-t)?\.({'|'.join(FORMATS)})")


def url_of(picture: Picture, address: str) -> str:
    """Return the URL of an image, which describes the image so that nothing is stored.

    Args:
        picture: the image.
        address: of the server; if empty, the URL contains the file itself.
    """
    if not address:
        content = base64.b64encode(draw(picture)).decode()
        return f"data:{picture.content_type.decode()};base64,{content}"
    mark = "-t" if picture.transparent else ""
    return f"{address}{PREFIX}{picture.seed}-{picture.width}x{picture.height}{mark}.{picture.format}"


def picture_at(path: str) -> Picture | None:
    """Parse the path of an image; None if invalid."""
    found = _NAME.fullmatch(path.removeprefix(PREFIX))
    if found is None:
        return None
    width, height = int(found[2]), int(found[3])
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        return None
    return Picture(width, height, found[1], found[5], transparent=found[4] is not None)
