"""Ogg with Opus, Vorbis, FLAC or Speex: each page holds the number of samples up to its end (RFC 3533)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from infra.audio.flac import STREAMINFO, stream_info
from infra.audio.window import BLOCK, ByteWindow

_PAGE = struct.Struct("<4sBBqII4xB")
_CAPTURE = b"OggS"
_BEGINS = 2
_NOTHING_ENDS = -1
_PAGES = 150_000  # that are read in a row; of a longer file the last ones follow
_LARGEST_PAGES = 1 << 17  # bytes that contain at least one complete page
_OPUS_RATE = 48_000
_FIRST_PACKET = 80
_PAGE_SECONDS = 60  # a first page that ends later was cut out of a longer broadcast


@dataclass(slots=True)
class _Track:
    """One stream of sound.

    Args:
        rate: samples per second.
        skipped: samples at its begin that are not played.
        end: samples up to the end of the latest page; None before the first.
        joined: the first page was cut out of a longer broadcast: its own length is that of the next.
        samples: sum of all pages. A page that goes back adds nothing.
    """

    rate: int
    skipped: int = 0
    end: int | None = None
    joined: bool = False
    samples: int = 0

    def add_page(self, end: int) -> None:
        """Add a page that ends at this sample."""
        start = self.end
        self.end = end
        if start is None:
            self.joined = end > _PAGE_SECONDS * self.rate
            self.samples = 0 if self.joined else end
        elif end > start:
            self.samples += (end - start) * (2 if self.joined else 1)
            self.joined = False

    @property
    def seconds(self) -> float:
        """Its length."""
        return max(0, self.samples - self.skipped) / self.rate


_Link = dict[int, _Track]
"""Streams that play at the same time, by serial number."""


def milliseconds(window: ByteWindow) -> float | None:
    """Add up the longest tracks of all links of a chain; None without sound, or if there are too many pages."""
    links: list[_Link] = []
    seen = _walk(window, window.start, links)
    length = _length(links)
    if seen < window.end and length is not None:
        _walk(window, max(seen, window.end - _LARGEST_PAGES), links)
        return window.plausible(_length(links) or 0, length, seen)
    return length


def _length(links: list[_Link]) -> float | None:
    lengths = [max(track.seconds for track in link.values()) for link in links if link]
    return sum(lengths) * 1000 if lengths else None


def _walk(window: ByteWindow, place: int, links: list[_Link]) -> int:
    """Read pages from an offset on; return the offset reached, which is the end unless there are too many."""
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
            links[-1][serial].add_page(samples)
        opening = begins
    return place


def _next_page(window: ByteWindow, place: int) -> int:
    """Return the offset of the next page: here, or behind junk."""
    look = len(_CAPTURE)
    while data := window.at(place, look):
        at = data.find(_CAPTURE)
        if at >= 0:
            return place + at
        place += max(1, len(data) - len(_CAPTURE) + 1)
        look = min(2 * look, BLOCK)  # junk is rarely long
    return window.end


def _track(packet: bytes) -> _Track | None:
    """Recognise the codec by the first packet of a stream; None if it is not sound."""
    if packet[:8] == b"OpusHead":
        return _Track(_OPUS_RATE, skipped=int.from_bytes(packet[10:12], "little"))
    rate = 0
    if packet[:7] == b"\x01vorbis":
        rate = int.from_bytes(packet[12:16], "little")
    elif packet[:8] == b"Speex   ":
        rate = int.from_bytes(packet[36:40], "little")
    elif packet[:5] == b"\x7fFLAC":
        info = stream_info(packet[17 : 17 + STREAMINFO])
        rate = info.rate if info else 0
    return _Track(rate) if rate else None
