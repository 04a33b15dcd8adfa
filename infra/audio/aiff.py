"""AIFF and AIFF-C: how many samples there are stands in its head."""

from __future__ import annotations

from infra.audio.window import Window

_HEAD = 12  # "FORM", its size, "AIFF"
_CHUNKS = 1000  # how many are looked at
_COMMON = 18  # bytes of the chunk that describes the sound
_RATE_BIAS = 16_383 + 63
_COMPRESSED_FROM = 22


def milliseconds(window: Window) -> float | None:
    """Playing time of an AIFF file; ``None`` = it has no sound that can be measured."""
    place, common = window.start + _HEAD, b""
    for _ in range(_CHUNKS):
        head = window.at(place, 8)
        if len(head) < 8:  # noqa: PLR2004 - name and size of a chunk
            return None
        name, size = head[:4], int.from_bytes(head[4:])
        place += 8
        if name == b"COMM":
            common = window.at(place, min(size, _COMPRESSED_FROM))
        elif name == b"SSND":
            return _length(common, min(size, window.end - place) - 8)
        place += size + size % 2
    return None


def _length(common: bytes, size: int) -> float | None:
    """Samples as announced, but no more than so many bytes hold."""
    if len(common) < _COMMON:
        return None
    channels, samples, bits = int.from_bytes(common[:2]), int.from_bytes(common[2:6]), int.from_bytes(common[6:8])
    exponent, mantissa = int.from_bytes(common[8:10]) - _RATE_BIAS, int.from_bytes(common[10:18])
    rate = mantissa * 2.0 ** max(-100, min(100, exponent))
    width = channels * -(-bits // 8)
    if common[18:22] in {b"", b"NONE", b"sowt", b"twos"} and width:
        samples = min(samples, max(0, size) // width)
    return samples * 1000 / rate if rate else None
