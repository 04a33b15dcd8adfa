"""Streams that are nothing but frames, one behind the other, with whatever tags stand around them (MP3, AAC in ADTS).

Frames are counted one by one: what a file says about itself may be missing, stale or made up, and a bitrate that
varies makes its size say nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

from infra.audio.window import Window

HEADER = 7
"""Bytes that ``FrameAt`` may look at."""

FrameAt = Callable[[bytes, int], int]
"""Length in bytes of the frame that begins at a place, with a complete header; 0 = none begins there."""

_SYNC = b"\xff"
_JUNK = 1 << 16  # bytes in front of the first frame
_IN_A_ROW = 3  # frames that make a stream
_CANDIDATES = 4000  # places where a frame could begin that are looked at in a block of junk
_STEPS = 300_000  # frames that are looked at; of a longer file these say what the rest holds


@dataclass(frozen=True, slots=True)
class Stream:
    """Frames that follow each other.

    Args:
        frames: how many; a fraction where the end was extrapolated.
        covered: bytes that are frames.
    """

    frames: float
    covered: float


def first(window: Window, frame_at: FrameAt) -> int | None:
    """Where a stream begins: three frames in a row near the begin, or fewer which are all that there is."""
    place = window.start
    if _chain(window, place, frame_at, to_end=True):
        return place
    junk = window.at(place, _JUNK)
    for at in _syncs(junk):
        if _chain(window, place + at, frame_at, to_end=False):
            return place + at
    return None


def count(window: Window, place: int, frame_at: FrameAt) -> Stream:
    """All whole frames from a place on."""
    start, frames, covered, steps = place, 0, 0, _STEPS
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
    share = 1 if steps > 0 else (window.end - start) / (place - start)
    return Stream(frames * share, covered * share)


def _syncs(data: bytes) -> list[int]:
    places, at = [], data.find(_SYNC)
    while at >= 0:
        places.append(at)
        at = data.find(_SYNC, at + 1)
    return places


def _chain(window: Window, place: int, frame_at: FrameAt, *, to_end: bool) -> bool:
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
    """The next place where a frame begins and is followed by another, or where the block has been searched."""
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
