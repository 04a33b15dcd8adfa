"""AMR and AMR-WB as phones record it: frames of 20 ms (RFC 4867, section 5)."""

from __future__ import annotations

from itertools import repeat

from infra.audio.window import ByteWindow

NARROW, WIDE = b"#!AMR\n", b"#!AMR-WB\n"
_FRAME_MS = 20
_LENGTHS = {
    NARROW: (13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1),
    WIDE: (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1),
}
_FRAMES = 1_000_000


def milliseconds(window: ByteWindow) -> float | None:
    """Measure all complete frames up to the first invalid one; None if there are too many."""
    magic = WIDE if window.at(window.start, len(WIDE)) == WIDE else NARROW
    lengths = _LENGTHS[magic]
    place = window.start + len(magic)
    frames = 0
    while frames < _FRAMES and place < window.end:
        data = window.block(place)
        at = 0
        for _ in repeat(None, _FRAMES - frames):
            if at >= len(data):
                break
            length = lengths[data[at] >> 3 & 15]
            if not length or place + at + length > window.end:
                return frames * _FRAME_MS
            at += length
            frames += 1
        place += at
    return frames * _FRAME_MS if place >= window.end else None
