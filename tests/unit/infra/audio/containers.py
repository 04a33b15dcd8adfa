"""Audio files in formats that the simulator does not generate."""

from __future__ import annotations

import struct
from collections.abc import Iterator


class Bytes:
    """A content in memory that records its largest read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.largest = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        assert start >= 0
        assert length >= 0
        self.largest = max(self.largest, length)
        return self.data[start : start + length]

    def blocks(self) -> Iterator[bytes]:
        yield self.data


def wav(data: bytes, *, tag: int = 1, rate: int = 8000, bits: int = 16, size: int | None = None) -> bytes:
    shape = struct.pack("<HHIIHH", tag, 1, rate, rate * bits // 8, bits // 8, bits)
    if tag == 0xFFFE:
        shape += struct.pack("<HHIH", 22, bits, 4, 1) + bytes(14)
    size = len(data) if size is None else size
    chunks = (
        b"fmt " + struct.pack("<I", len(shape)) + shape + b"LIST\x03\0\0\0abc\0" + b"data" + struct.pack("<I", size)
    )
    return b"RIFF" + struct.pack("<I", len(chunks) + len(data)) + b"WAVE" + chunks + data


def rf64(data: bytes) -> bytes:
    plain = wav(data, size=0xFFFFFFFF)
    sizes = b"ds64" + struct.pack("<IQQQI", 28, 0, len(data), 0, 0)
    return b"RF64" + b"\xff" * 4 + b"WAVE" + sizes + plain[12:]


def mp3_frame(bitrate: int) -> bytes:
    """MPEG 1 layer III, 48 kHz, stereo: 24 ms."""
    length = {1: 96, 5: 192, 9: 384}[bitrate]
    return bytes([0xFF, 0xFB, bitrate << 4 | 4, 0]).ljust(length, b"\0")


def mp3_head(frames: int, *, delay: int = 0, padding: int = 0, encoder: bytes = b"LAME") -> bytes:
    """Return a frame with the header that LAME writes."""
    tag = b"Xing" + struct.pack(">II", 1, frames)
    tag = tag.ljust(120, b"\0") + encoder.ljust(21, b"\0") + (delay << 12 | padding).to_bytes(3)
    return (mp3_frame(9)[:36] + tag).ljust(384, b"\0")


def box(name: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), name) + body


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def mp4_track(
    number: int, kind: bytes, samples: int, duration: int, *, timescale: int = 48_000, edits: bytes = b""
) -> bytes:
    return box(
        b"trak",
        box(b"tkhd", words(0, 0, 0, number)),
        edits,
        box(
            b"mdia",
            box(b"mdhd", words(0, 0, 0, timescale, 0)),
            box(b"hdlr", words(0, 0), kind),
            box(b"minf", box(b"stbl", box(b"stts", words(0, 1, samples, duration) if samples else words(0, 0)))),
        ),
    )


def mp4(*tracks: bytes, media: bytes = bytes(1000), claimed: int | None = None) -> bytes:
    data = words(8 + (len(media) if claimed is None else claimed)) + b"mdat" + media
    moov = box(b"moov", box(b"mvhd", words(0, 0, 0, 1000, 0)), *tracks)
    return box(b"ftyp", b"M4A ") + moov + data


def element(name: int, body: bytes, *, open_end: bool = False) -> bytes:
    size = b"\x01" + b"\xff" * 7 if open_end else (len(body) | 1 << 28).to_bytes(4)
    return name.to_bytes((name.bit_length() + 7) // 8) + size + body


def webm(blocks: list[tuple[int, int, bytes]], *, codec: bytes = b"A_OPUS", extra: bytes = b"") -> bytes:
    """Return a browser's recording: no duration, unknown sizes; blocks are (cluster time, time in it, packet)."""
    track = element(0xAE, element(0xD7, b"\1") + element(0x83, b"\2") + element(0x86, codec) + extra)
    video = element(0xAE, element(0xD7, b"\2") + element(0x83, b"\1") + element(0x86, b"V_VP8"))
    content, cluster = bytearray(element(0x1549A966, element(0x2AD7B1, (1_000_000).to_bytes(3)))), -1
    content += element(0x1654AE6B, video + track)
    for start, time, packet in blocks:
        if start != cluster:
            content += element(0x1F43B675, b"", open_end=True) + element(0xE7, start.to_bytes(4))
            cluster = start
        content += element(0xA3, b"\x81" + time.to_bytes(2, signed=True) + b"\x80" + packet)
        content += element(0xA3, b"\x82" + (time + 5).to_bytes(2, signed=True) + b"\x80" + bytes(40))
    return element(0x1A45DFA3, b"") + element(0x18538067, b"", open_end=True) + content


def ogg_page(serial: int, samples: int, packet: bytes, *, begins: bool = False) -> bytes:
    lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, 2 if begins else 0, samples, serial, 0, 0, len(lacing))
    return head + lacing + packet


def vorbis(serial: int, *ends: int, rate: int = 44_100) -> bytes:
    head = b"\x01vorbis" + struct.pack("<IBI", 0, 1, rate)
    return ogg_page(serial, 0, head, begins=True) + b"".join(ogg_page(serial, end, bytes(300)) for end in ends)
