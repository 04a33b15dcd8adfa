"""Streams of frames, possibly with tags around them (MP3, AAC in ADTS).

Frames are counted one by one: headers may be missing, stale or forged, and the size means nothing where the bitrate
varies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

from infra.audio.window import ByteWindow

HEADER = 7
"""Bytes that ``FrameAt`` may read."""

FrameAt = Callable[[bytes, int], int]
"""Returns the length in bytes of the frame at an offset, with a complete header; 0 if absent."""

_SYNC = b"\xff"
_JUNK = 1 << 16  # bytes in front of the first frame
_IN_A_ROW = 3  # frames that make a stream
_CANDIDATES = 4000  # possible frames that are tried in a block of junk
_STEPS = 1_000_000  # frames that are counted; the rest of a longer file is estimated up


@dataclass(frozen=True, slots=True)
class FrameStream:
    """A stream of frames.

    Args:
        frames: number of complete frames.
        covered: bytes in frames.
    """

    frames: int
    covered: int


def first(window: ByteWindow, frame_at: FrameAt) -> int | None:
    """Find the begin of a stream: three frames in a row near the begin of the file, or fewer that fill it."""
    place = window.start
    if _chain(window, place, frame_at, to_end=True):
        return place
    junk = window.at(place, _JUNK)
    for at in _syncs(junk):
        if _chain(window, place + at, frame_at, to_end=False):
            return place + at
    return None


def count(window: ByteWindow, place: int, frame_at: FrameAt, smallest: int) -> FrameStream:
    """Count complete frames.

    Args:
        window: the file.
        place: offset of the first frame.
        frame_at: recognises frames.
        smallest: length of the smallest valid frame, for the part of the file that is not read.
    """
    frames, covered, steps = 0, 0, _STEPS
    while steps > 0 and window.end - place >= HEADER:
        data = window.block(place)
        at, complete = 0, len(data) - HEADER
        for _ in repeat(None, steps):
            if at > complete:
                break
            steps -= 1
            length = frame_at(data, at)
            if length:
                frames += 1
                covered += length
                at += length
            else:
                at = _resynchronised(data, at, frame_at)
        place += at
    if place > window.end:  # the last one was cut
        frames, covered = frames - 1, covered - length
    unread = window.end - place if steps <= 0 and place < window.end else 0
    return FrameStream(frames + unread // smallest, covered + unread)


def _syncs(data: bytes) -> list[int]:
    places, at = [], data.find(_SYNC)
    while at >= 0:
        places.append(at)
        at = data.find(_SYNC, at + 1)
    return places


def _chain(window: ByteWindow, place: int, frame_at: FrameAt, *, to_end: bool) -> bool:
    for _ in range(_IN_A_ROW):
        header = window.at(place, HEADER)
        length = frame_at(header, 0) if len(header) == HEADER else 0
        if not length:
            return False
        place += length
        if place == window.end:
            return to_end
    return True


def _resynchronised(data: bytes, at: int, frame_at: FrameAt) -> int:
    """Return the next offset of a frame that is followed by another, or the end of the searched part."""
    complete = len(data) - HEADER
    at = data.find(_SYNC, at + 1)
    for _ in repeat(None, _CANDIDATES):
        if not 0 <= at <= complete:
            break
        length = frame_at(data, at)
        if length and (at + length > complete or frame_at(data, at + length)):
            return at
        at = data.find(_SYNC, at + 1)
    return complete + 1
