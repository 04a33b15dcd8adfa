"""WAV: RIFF, and RF64 and BW64 for what is larger; also as programs leave it that could not go back to its head."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from infra.audio.window import Window

_HEAD = 12  # "RIFF", its size, "WAVE"
_CHUNKS = 1000  # how many are looked at
_OPEN_SIZES = (0, 0xFFFFFFFF)
_PLAIN_TAGS = (1, 3, 6, 7)  # PCM, floats, A-law, mu-law: samples of whole bytes
_EXTENSIBLE = 0xFFFE
_FORMAT = struct.Struct("<HHIIHH")
_SUBFORMAT = slice(24, 26)


@dataclass(slots=True)
class _Found:
    """What was read before the sound: its format, and the sizes that chunks of their own give."""

    format: bytes = b""
    samples: int = 0
    data_size: int = 0


def milliseconds(window: Window) -> float | None:
    """Playing time of a WAV file; ``None`` = it has no sound that can be measured."""
    found = _Found()
    place = window.start + _HEAD
    for _ in range(_CHUNKS):
        head = window.at(place, 8)
        if len(head) < 8:  # noqa: PLR2004 - name and size of a chunk
            return None
        name, size = head[:4], int.from_bytes(head[4:], "little")
        place += 8
        if name == b"data":
            return _length(found, _present(size, found, window.end - place))
        _note(found, name, window.at(place, min(size, 40)))
        place += size + size % 2
    return None


def _note(found: _Found, name: bytes, body: bytes) -> None:
    if name == b"fmt ":
        found.format = body
    elif name == b"fact":
        found.samples = int.from_bytes(body[:4], "little")
    elif name == b"ds64":
        found.data_size = int.from_bytes(body[8:16], "little")


def _present(size: int, found: _Found, rest: int) -> int:
    """Bytes of sound: those announced, or all that is there where nothing is announced or the file was cut."""
    if size in _OPEN_SIZES:
        size = found.data_size or rest
    return min(size, rest)


def _length(found: _Found, size: int) -> float | None:
    if len(found.format) < _FORMAT.size:
        return None
    fields: tuple[int, ...] = _FORMAT.unpack_from(found.format)
    tag, channels, rate, byte_rate, _, bits = fields
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(found.format[_SUBFORMAT], "little")
    if tag in _PLAIN_TAGS:
        byte_rate = rate * channels * -(-bits // 8)
    elif found.samples and found.samples not in _OPEN_SIZES and rate:
        return found.samples * 1000 / rate
    return size * 1000 / byte_rate if byte_rate else None
