"""Ogg: Opus, Vorbis, FLAC and Speex; each page says how many samples there are up to its end (RFC 3533)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from infra.audio import flac
from infra.audio.window import BLOCK, Window

_PAGE = struct.Struct("<4sBBqII4xB")
_CAPTURE = b"OggS"
_BEGINS = 2
_NOTHING_ENDS = -1
_PAGES = 60_000  # that are looked at in a row: of a longer file its last ones follow
_LARGEST_PAGES = 1 << 17  # bytes that hold at least one whole page
_OPUS_RATE = 48_000
_FIRST_PACKET = 80
_PAGE_SECONDS = 60  # a first page that ends later than this was cut out of a longer broadcast


@dataclass(slots=True)
class _Track:
    """One stream of sound.

    Args:
        rate: samples a second.
        skipped: samples at its begin that are not played.
        first, second, last: samples up to the end of these pages.
    """

    rate: int
    skipped: int = 0
    first: int = 0
    second: int = 0
    last: int = 0

    def reached(self, samples: int) -> None:
        """A page ends here."""
        if not self.first:
            self.first = samples
        elif not self.second:
            self.second = samples
        self.last = samples

    @property
    def seconds(self) -> float:
        """What is played of it."""
        start = self.skipped
        if self.first > _PAGE_SECONDS * self.rate:
            start = self.first - max(0, self.second - self.first)
        return max(0, self.last - start) / self.rate


_Link = dict[int, _Track]
"""Streams that play at the same time, by their serial numbers."""


def milliseconds(window: Window) -> float | None:
    """Playing time of all links of a chain together, of each its longest track; ``None`` = there is no sound."""
    links: list[_Link] = []
    seen = _walk(window, window.start, links)
    if seen < window.end:
        _walk(window, max(seen, window.end - _LARGEST_PAGES), links)
    lengths = [max(track.seconds for track in link.values()) for link in links if link]
    return sum(lengths) * 1000 if lengths else None


def _walk(window: Window, place: int, links: list[_Link]) -> int:
    """Goes through the pages from a place on; where it stopped, which is the end unless there are too many."""
    opening = False
    for _ in range(_PAGES):
        place = _next_page(window, place)
        head = window.at(place, _PAGE.size)
        if len(head) < _PAGE.size:
            return window.end
        _, _, flags, samples, serial, _, count = _PAGE.unpack(head)
        body = place + _PAGE.size + count
        place = body + sum(window.at(place + _PAGE.size, count))
        if place > window.end:
            return window.end  # cut
        begins = bool(flags & _BEGINS)
        if begins:
            if not opening:
                links.append({})
            track = _track(window.at(body, min(place - body, _FIRST_PACKET)))
            if track:
                links[-1][serial] = track
        elif links and samples > _NOTHING_ENDS and serial in links[-1]:
            links[-1][serial].reached(samples)
        opening = begins
    return place


def _next_page(window: Window, place: int) -> int:
    """Where the next page begins: here, or behind what does not belong to any."""
    look = len(_CAPTURE)
    while data := window.at(place, look):
        at = data.find(_CAPTURE)
        if at >= 0:
            return place + at
        place += max(1, len(data) - len(_CAPTURE) + 1)
        look = min(2 * look, BLOCK)  # junk is rarely long: little is read for a little of it
    return window.end


def _track(packet: bytes) -> _Track | None:
    """The codec by the first packet of its stream; ``None`` = not sound."""
    if packet[:8] == b"OpusHead":
        return _Track(_OPUS_RATE, skipped=int.from_bytes(packet[10:12], "little"))
    rate = 0
    if packet[:7] == b"\x01vorbis":
        rate = int.from_bytes(packet[12:16], "little")
    elif packet[:8] == b"Speex   ":
        rate = int.from_bytes(packet[36:40], "little")
    elif packet[:5] == b"\x7fFLAC":
        shape = flac.shape(packet[17 : 17 + flac.STREAMINFO])
        rate = shape.rate if shape else 0
    return _Track(rate) if rate else None
