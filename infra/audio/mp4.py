"""MP4, M4A, MOV and 3GP (ISO 14496-12): the durations of the samples of the longest track of sound, also in fragments.

Boxes are read as if they were not nested. The tables are complete or invalid: of a file that was cut all of its samples
count, and data that the boxes announce but the file lacks means nothing.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import mul

from infra.audio.window import ByteWindow

FIRST_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot"})
"""Types of the first box of a file."""

_CONTAINERS = frozenset({b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"})
_BOXES = 100_000
_EDITS = 5000
_LARGEST = 1 << 22  # bytes of a table that are read
_HEAD, _LONG_HEAD = 8, 16
_WORD, _FLAG_BYTES = 4, 4
_TFHD_BASE, _TFHD_DESCRIPTION, _TFHD_DURATION = 0x1, 0x2, 0x8
_TRUN_OFFSET, _TRUN_FIRST, _TRUN_DURATION = 0x1, 0x4, 0x100
_TRUN_COLUMNS = (0x100, 0x200, 0x400, 0x800)


@dataclass(slots=True)
class _Track:
    """One track. Times are in ticks of ``timescale`` per second, edits in those of the movie.

    Args:
        sound: a track of sound.
        timescale: ticks per second.
        ticks: durations of its samples.
        edits: the part of it that is played; 0 for all.
        sample: default duration of samples in fragments.
        fragments: durations of the samples in fragments.
    """

    sound: bool = False
    timescale: int = 0
    ticks: int = 0
    edits: int = 0
    sample: int = 0
    fragments: int = 0


@dataclass(slots=True)
class _Movie:
    """The part read so far; tracks also by their ids."""

    timescale: int = 0
    tracks: list[_Track] = field(default_factory=list)
    by_id: dict[int, _Track] = field(default_factory=dict)
    current: _Track = field(default_factory=_Track)
    defaults: dict[int, int] = field(default_factory=dict)

    def open(self, name: bytes) -> None:
        """Open a container."""
        if name == b"trak":
            self.current = _Track()
            self.tracks.append(self.current)

    def milliseconds(self, track: _Track) -> float:
        """Return the length of a track."""
        length = (track.ticks + track.fragments) * 1000 / track.timescale
        if track.edits and self.timescale and not track.fragments:
            length = min(length, track.edits * 1000 / self.timescale)
        return length


def milliseconds(window: ByteWindow) -> float | None:
    """Measure the longest track of sound; None without any, or if there are too many boxes."""
    movie = _walk(window)
    sound = [] if movie is None else [track for track in movie.tracks if track.sound and track.timescale]
    return None if movie is None else max(map(movie.milliseconds, sound), default=None)


def _walk(window: ByteWindow) -> _Movie | None:
    """Read all boxes; None if there are too many."""
    movie, place = _Movie(), window.start
    for _ in range(_BOXES):
        head = window.at(place, _LONG_HEAD)
        if len(head) < _HEAD:
            return movie
        size, name, body = int.from_bytes(head[:4]), head[4:8], place + _HEAD
        if size == 1:
            size, body = int.from_bytes(head[8:16]), place + _LONG_HEAD
        elif size == 0:
            size = window.end - place
        if size < body - place:
            return movie
        if name in _CONTAINERS:
            movie.open(name)
            place = body
            continue
        if name in _READERS:
            _READERS[name](movie, window.at(body, min(place + size - body, _LARGEST)))
        place += size
    return None


def _word(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + _WORD])


def _column(body: bytes, first: int, step: int) -> array[int]:
    """Return every ``step``-th word of a table."""
    words = array("I", body[: len(body) // _WORD * _WORD])
    if sys.byteorder == "little":
        words.byteswap()
    return words[first::step]


def _mvhd(movie: _Movie, body: bytes) -> None:
    movie.timescale = _word(body, 20 if body[:1] == b"\1" else 12)


def _tkhd(movie: _Movie, body: bytes) -> None:
    movie.by_id.setdefault(_word(body, 20 if body[:1] == b"\1" else 12), movie.current)


def _mdhd(movie: _Movie, body: bytes) -> None:
    movie.current.timescale = _word(body, 20 if body[:1] == b"\1" else 12)


def _hdlr(movie: _Movie, body: bytes) -> None:
    if body[8:12] == b"soun":
        movie.current.sound = True


def _stts(movie: _Movie, body: bytes) -> None:
    table = body[8 : 8 + 8 * _word(body, 4)]
    movie.current.ticks = sum(map(mul, _column(table, 0, 2), _column(table, 1, 2)))


def _elst(movie: _Movie, body: bytes) -> None:
    """Add up the entries that play media; the others are pauses."""
    width = 8 if body[:1] == b"\1" else 4
    played, step = 0, 2 * width + 4
    for at in range(8, min(len(body), 8 + step * min(_word(body, 4), _EDITS)) - step + 1, step):
        if int.from_bytes(body[at + width : at + 2 * width], signed=True) >= 0:
            played += int.from_bytes(body[at : at + width])
    movie.current.edits = played


def _trex(movie: _Movie, body: bytes) -> None:
    movie.defaults[_word(body, 4)] = _word(body, 12)


def _tfhd(movie: _Movie, body: bytes) -> None:
    flags, number = _word(body, 0), _word(body, 4)
    at = 8 + (8 if flags & _TFHD_BASE else 0) + (4 if flags & _TFHD_DESCRIPTION else 0)
    movie.current = movie.by_id.get(number, movie.current)
    movie.current.sample = _word(body, at) if flags & _TFHD_DURATION else movie.defaults.get(number, 0)


def _trun(movie: _Movie, body: bytes) -> None:
    flags, count = _word(body, 0), _word(body, 4)
    if not flags & _TRUN_DURATION:
        movie.current.fragments += count * movie.current.sample
        return
    columns = sum(1 for column in _TRUN_COLUMNS if flags & column)
    start = 8 + (4 if flags & _TRUN_OFFSET else 0) + (4 if flags & _TRUN_FIRST else 0)
    table = body[start : start + count * columns * _WORD]
    movie.current.fragments += sum(_column(table, 0, columns))


_READERS: Mapping[bytes, Callable[[_Movie, bytes], None]] = {
    b"mvhd": _mvhd,
    b"tkhd": _tkhd,
    b"mdhd": _mdhd,
    b"hdlr": _hdlr,
    b"stts": _stts,
    b"elst": _elst,
    b"trex": _trex,
    b"tfhd": _tfhd,
    b"trun": _trun,
}
