"""WebM and Matroska: the times of the earliest and the latest block (RFC 9559), and the packets of Opus.

Recorders in browsers write no duration and leave the sizes of segment and clusters open, so the elements are read as if
they were not nested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

from infra.audio.window import BLOCK, ByteWindow

_SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0x1F43B675
_GROUP, _BLOCK, _SIMPLE_BLOCK, _BLOCK_DURATION = 0xA0, 0xA1, 0xA3, 0x9B
_SCALE, _TIME, _NUMBER, _KIND, _CODEC, _DELAY, _FRAME = 0x2AD7B1, 0xE7, 0xD7, 0x83, 0x86, 0x56AA, 0x23E383
_CONTAINERS = frozenset({_SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER, _GROUP})
_NUMBERS = frozenset({_SCALE, _TIME, _NUMBER, _KIND, _DELAY, _FRAME, _BLOCK_DURATION})
_SOUND = 2
_NS_IN_MS = 1_000_000
_LONGEST_DELAY = 1000 * _NS_IN_MS
_MOST_TRACKS = 100
_STEPS = 400_000  # elements that are read in a row; of a longer file the last cluster follows
_CLUSTER_BEGINS = _CLUSTER.to_bytes(4)
_LOOK: Final = 16  # bytes: the header of an element, then number, time and flags of a block
_WIDTHS = tuple(9 - byte.bit_length() for byte in range(256))
_MASKS = tuple((1 << 7 * width) - 1 for width in range(10))
_LONGEST_ID, _LONGEST_SIZE = 4, 8
_OPUS = b"A_OPUS"
_OPUS_SPEECH_MS, _OPUS_HYBRID_MS, _OPUS_MUSIC_MS = (10.0, 20.0, 40.0, 60.0), (10.0, 20.0), (2.5, 5.0, 10.0, 20.0)
_OPUS_HYBRID, _OPUS_MUSIC = 12, 16  # first configurations of these kinds
_OPUS_ANY_NUMBER = 3


@dataclass(slots=True)
class _Track:
    number: int = 0
    kind: int = 0
    codec: bytes = b""
    delay: int = 0
    frame: int = 0


@dataclass(slots=True)
class _Block:
    """A block: its time and, where it has one, its duration, in ticks; its packet in milliseconds."""

    time: int
    packet_ms: float
    duration: int = 0


@dataclass(slots=True)
class _Recording:
    """The part read so far. Times are in ticks of ``scale`` nanoseconds."""

    scale: int = _NS_IN_MS
    tracks: list[_Track] = field(default_factory=list)
    sound: _Track | None = None
    cluster: int = 0
    start: int = 0
    packets_ms: float = 0.0
    block: _Block | None = None
    previous: _Block | None = None
    latest: _Block | None = None

    def add_number(self, element: int, value: int) -> None:
        """Add an element that contains a number."""
        if element == _SCALE:
            self.scale = value or self.scale
        elif element == _TIME:
            self.cluster = value
        elif element == _BLOCK_DURATION and self.block:
            self.block.duration = value
        elif self.tracks:
            self._of_track(self.tracks[-1], element, value)

    def add_block(self, head: bytes) -> None:
        """Add a block by its number, time, flags and the begin of its packet."""
        if self.sound is None:
            self.sound = next((track for track in self.tracks if track.kind == _SOUND), None)
        if self.sound is None or head[:1] != bytes([self.sound.number & 0x7F | 0x80]):
            return
        time = self.cluster + int.from_bytes(head[1:3], signed=True)
        packet = _packet_ms(head[4:6]) if self.sound.codec == _OPUS else 0.0
        self.packets_ms += packet
        self.block = _Block(time, packet)
        if self.latest is None:
            self.start, self.latest = time, self.block
        elif time >= self.latest.time:
            self.previous, self.latest = self.latest, self.block
        self.start = min(self.start, time)

    def milliseconds(self) -> float | None:
        """Return the time up to the end of the latest block, at least that of all packets; None without a block."""
        latest, sound = self.latest, self.sound
        if latest is None or sound is None:
            return None
        ticks = latest.time - self.start + latest.duration
        last = 0.0
        if not latest.duration:
            last = latest.packet_ms or sound.frame / _NS_IN_MS
            if not last and self.previous:
                ticks += latest.time - self.previous.time
        delay = min(sound.delay, _LONGEST_DELAY) / _NS_IN_MS
        return max(0.0, max(ticks * self.scale / _NS_IN_MS + last, self.packets_ms) - delay)

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


def milliseconds(window: ByteWindow) -> float | None:
    """Measure the first track of sound; None without a block of it, or if there are too many elements."""
    recording = _Recording()
    seen = _walk(window, window.start, recording)
    length = recording.milliseconds()
    if seen < window.end and length is not None:
        _walk(window, _last_cluster(window, seen), recording)
        return window.plausible(recording.milliseconds() or 0.0, length, seen)
    return length


def _last_cluster(window: ByteWindow, seen: int) -> int:
    """Return the offset of the last cluster of a long file; its end if absent behind the part read."""
    end = window.end
    while end > seen:
        start = max(seen, end - BLOCK)
        at = window.content.read(start, end - start).rfind(_CLUSTER_BEGINS)
        if at >= 0:
            return start + at
        end = start + len(_CLUSTER_BEGINS) - 1 if start > seen else seen
    return window.end


def _walk(window: ByteWindow, place: int, recording: _Recording) -> int:  # noqa: C901 - one loop, it runs for every block
    """Read elements from an offset on; return the offset reached, which is the end unless there are too many."""
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
                recording.add_block(window.at(place + at, 6) if at + 6 > len(data) else data[at : at + 6])
            elif element in _NUMBERS:
                recording.add_number(element, int.from_bytes(window.at(place + at, min(size, 8))))
            elif element == _CODEC and recording.tracks:
                recording.tracks[-1].codec = window.at(place + at, min(size, 32))
            at += size
        place += at
    return window.end


def _packet_ms(begin: bytes) -> float:
    """Return the length of a packet of Opus by its first two bytes (RFC 6716, section 3.1)."""
    if not begin:
        return 0.0
    configuration, code = begin[0] >> 3, begin[0] & 3
    if configuration < _OPUS_HYBRID:
        frame = _OPUS_SPEECH_MS[configuration % 4]
    elif configuration < _OPUS_MUSIC:
        frame = _OPUS_HYBRID_MS[configuration % 2]
    else:
        frame = _OPUS_MUSIC_MS[configuration % 4]
    if code == _OPUS_ANY_NUMBER:
        return frame * (begin[1] & 0x3F if len(begin) > 1 else 0)
    return frame * (2 if code else 1)
