"""The smallest baseline JPEG: one grey, told once; every other block says that nothing changes."""

from __future__ import annotations

import struct

_BLOCK = 8  # pixels on each side


def jpeg(width: int, height: int, grey: int) -> bytes:
    """A file of one grey.

    Args:
        width: in pixels.
        height: in pixels.
        grey: from 0 to 255.
    """
    blocks = -(-width // _BLOCK) * -(-height // _BLOCK)
    # With a quantisation of 8 the first coefficient of a block is its mean, less 128.
    level = grey - 128
    size = abs(level).bit_length()
    segments = [
        (0xE0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, 0, 1, 1, 0, 0)),
        (0xDB, b"\0" + b"\x08" * 64),
        (0xC0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)),
        # Lengths of codes, then symbols: "0" = no change, "10" = a change of so many bits; for the rest "0" = no more.
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
