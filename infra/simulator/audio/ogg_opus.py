"""Silence in Opus, in Ogg pages (RFC 3533, RFC 6716, RFC 7845)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SERIAL = 0x53494D
_PRE_SKIP = 312
_RATE = 48  # samples per millisecond, whatever the rate of the recording
_PACKET = bytes.fromhex("f8fffe")
_PACKET_SAMPLES = 960
_PAGE_PACKETS = 10
_BEGINS, _ENDS = 2, 4
_POLYNOMIAL = 0x04C11DB7
_TOP_BIT, _MASK = 0x80000000, 0xFFFFFFFF


def silence(milliseconds: int) -> Iterator[bytes]:
    """Generate a file in pages of 200 ms; the last page holds the exact end.

    Args:
        milliseconds: length, more than 0.
    """
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, _PRE_SKIP, 24_000, 0, 0)
    vendor = b"simulator"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    yield _page([head], flags=_BEGINS, end=0, number=0) + _page([tags], flags=0, end=0, number=1)
    samples = _PRE_SKIP + milliseconds * _RATE
    packets = -(-samples // _PACKET_SAMPLES)
    for number, first in enumerate(range(0, packets, _PAGE_PACKETS), 2):
        last = min(first + _PAGE_PACKETS, packets)
        yield _page(
            [_PACKET] * (last - first),
            flags=_ENDS if last == packets else 0,
            end=min(last * _PACKET_SAMPLES, samples),
            number=number,
        )


def _page(packets: list[bytes], *, flags: int, end: int, number: int) -> bytes:
    """Make a page of packets below 255 bytes.

    Args:
        packets: Opus packets.
        flags: header type flags.
        end: samples up to the end of the page.
        number: of the page.
    """
    lengths = bytes(len(packet) for packet in packets)
    start = b"OggS" + struct.pack("<BBqII", 0, flags, end, _SERIAL, number)
    rest = bytes([len(lengths)]) + lengths + b"".join(packets)
    return start + struct.pack("<I", _crc(start + bytes(4) + rest)) + rest


def _remainder(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 ^ _POLYNOMIAL if value & _TOP_BIT else value << 1) & _MASK
    return value


_REMAINDERS = tuple(_remainder(byte) for byte in range(256))


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value << 8 & _MASK) ^ _REMAINDERS[value >> 24 ^ byte]
    return value
