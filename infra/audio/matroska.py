"""WebM and Matroska: the times of the first and the last block (RFC 9559).

What the head says about the duration is not needed, and recorders in browsers do not write it: they leave the sizes of
segment and clusters open, too. So the elements are gone through as if they were not nested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

from infra.audio.opus_packet import packet_ms
from infra.audio.window import BLOCK, Window

_SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0x1F43B675
_GROUP, _BLOCK, _SIMPLE_BLOCK, _BLOCK_DURATION = 0xA0, 0xA1, 0xA3, 0x9B
_SCALE, _TIME, _NUMBER, _KIND, _CODEC, _DELAY, _FRAME = 0x2AD7B1, 0xE7, 0xD7, 0x83, 0x86, 0x56AA, 0x23E383
_CONTAINERS = frozenset({_SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER, _GROUP})
_NUMBERS = frozenset({_SCALE, _TIME, _NUMBER, _KIND, _DELAY, _FRAME, _BLOCK_DURATION})
_SOUND = 2
_NS_IN_MS = 1_000_000
_LONGEST_DELAY = 1000 * _NS_IN_MS
_MOST_TRACKS = 100  # as many as are remembered
_STEPS = 100_000  # elements that are looked at in a row: of a longer file its last cluster follows
_CLUSTER_BEGINS = _CLUSTER.to_bytes(4)
_LOOK: Final = 16  # bytes that a head and the number of a track fit into
_WIDTHS = tuple(9 - byte.bit_length() for byte in range(256))
_MASKS = tuple((1 << 7 * width) - 1 for width in range(10))
_LONGEST_ID, _LONGEST_SIZE = 4, 8


@dataclass(slots=True)
class _Track:
    number: int = 0
    kind: int = 0
    codec: bytes = b""
    delay: int = 0
    frame: int = 0


@dataclass(slots=True)
class _Block:
    """Where the time of a block stands, and the time that it counts from."""

    cluster: int
    place: int
    duration: int = 0


@dataclass(slots=True)
class _Recording:
    """What has been seen so far. Times are in ticks of ``scale`` nanoseconds."""

    scale: int = _NS_IN_MS
    tracks: list[_Track] = field(default_factory=list)
    sound: _Track | None = None
    cluster: int = 0
    first: _Block | None = None
    previous: _Block | None = None
    last: _Block | None = None

    def number(self, element: int, value: int) -> None:
        """An element that holds a number."""
        if element == _SCALE:
            self.scale = value or self.scale
        elif element == _TIME:
            self.cluster = value
        elif element == _BLOCK_DURATION and self.last:
            self.last.duration = value
        elif self.tracks:
            self._of_track(self.tracks[-1], element, value)

    def block(self, place: int, track: int) -> None:
        """A block of sound or of something else."""
        if self.sound is None:
            self.sound = next((track for track in self.tracks if track.kind == _SOUND), None)
        if self.sound and track == self.sound.number | 0x80:
            self.previous, self.last = self.last, _Block(self.cluster, place)
            self.first = self.first or self.last

    @staticmethod
    def _of_track(track: _Track, element: int, value: int) -> None:
        if element == _NUMBER:
            track.number = value
        elif element == _KIND:
            track.kind = value
        elif element == _DELAY:
            track.delay = value
        elif element == _FRAME:
            track.frame = value


def milliseconds(window: Window) -> float | None:
    """Playing time of the first track of sound, from its first block to the end of its last; ``None`` = no block."""
    recording = _Recording()
    seen = _walk(window, window.start, recording)
    if seen < window.end:
        _walk(window, _last_cluster(window, seen), recording)
    first, last, sound = recording.first, recording.last, recording.sound
    if not first or not last or not sound:
        return None
    ticks = _time(window, last) - _time(window, first)
    delay = min(sound.delay, _LONGEST_DELAY) / _NS_IN_MS
    return max(0.0, ticks * recording.scale / _NS_IN_MS + _last_ms(window, recording, last, sound) - delay)


def _last_cluster(window: Window, seen: int) -> int:
    """Where the last cluster of a long file begins; the end = there is none behind what was seen."""
    end = window.end
    while end > seen:
        start = max(seen, end - BLOCK)
        at = window.content.read(start, end - start).rfind(_CLUSTER_BEGINS)
        if at >= 0:
            return start + at
        end = start + len(_CLUSTER_BEGINS) - 1 if start > seen else seen
    return window.end


def _walk(window: Window, place: int, recording: _Recording) -> int:  # noqa: C901 - one loop, it runs for every block
    """Goes through the elements from a place on; where it stopped, which is the end unless there are too many."""
    steps = _STEPS
    while place < window.end:
        if not steps:
            return place
        data = window.block(place)
        complete = len(data) if place + len(data) >= window.end else len(data) - _LOOK
        at = 0
        for _ in repeat(None, steps):
            if at >= complete:
                break
            steps -= 1
            width = _WIDTHS[data[at]]
            if width > _LONGEST_ID or at + width >= len(data):
                return window.end
            element = int.from_bytes(data[at : at + width])
            at += width
            width = _WIDTHS[data[at]]
            if width > _LONGEST_SIZE:
                return window.end
            size = int.from_bytes(data[at : at + width]) & _MASKS[width]
            open_end = size == _MASKS[width]
            at += width
            if element in _CONTAINERS:
                if element == _TRACK and len(recording.tracks) < _MOST_TRACKS:
                    recording.tracks.append(_Track())
                continue
            if open_end or place + at + size > window.end:
                return window.end  # cut
            if element in {_SIMPLE_BLOCK, _BLOCK}:
                recording.block(place + at + 1, data[at] if at < len(data) else 0)
            elif element in _NUMBERS:
                recording.number(element, int.from_bytes(window.at(place + at, min(size, 8))))
            elif element == _CODEC and recording.tracks:
                recording.tracks[-1].codec = window.at(place + at, min(size, 32))
            at += size
        place += at
    return window.end


def _time(window: Window, block: _Block) -> int:
    return block.cluster + int.from_bytes(window.at(block.place, 2), signed=True)


def _last_ms(window: Window, recording: _Recording, last: _Block, sound: _Track) -> float:
    """How long the last block plays: as it says, or its packet, or its track, or as long as the one before."""
    if last.duration:
        return last.duration * recording.scale / _NS_IN_MS
    if sound.codec == b"A_OPUS":
        return packet_ms(window.at(last.place + 3, 2))
    if sound.frame:
        return sound.frame / _NS_IN_MS
    before = recording.previous
    return max(0, _time(window, last) - _time(window, before)) * recording.scale / _NS_IN_MS if before else 0.0
