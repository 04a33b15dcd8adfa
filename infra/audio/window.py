"""A view of a content's bytes, read in blocks, for parsers that go from front to back."""

from __future__ import annotations

from domain.form import Content

BLOCK = 1 << 18
"""Bytes per read."""
_ID3_HEADER = 10
_ID3_TAGS = 10
_ID3_FOOTER = 0x10
_DENSEST = 64
"""Bytes per millisecond of the densest compressed audio (Opus at 510 kbit/s)."""


class ByteWindow:
    """Bytes of a content between two offsets; keeps the block read last.

    Args:
        content: to read from.
        start: first offset.
        end: offset behind the last byte; None for the end of the content, which also limits it.
    """

    __slots__ = ("_block", "_block_start", "content", "end", "start")

    def __init__(self, content: Content, start: int = 0, end: int | None = None) -> None:
        self.content = content
        self.end = content.size if end is None else min(end, content.size)
        self.start = min(start, self.end)
        self._block = b""
        self._block_start = 0

    def at(self, place: int, length: int) -> bytes:
        """Return ``length`` bytes from ``place`` on, fewer at the end of the view."""
        length = min(length, self.end - place)
        if place < self.start or length <= 0:
            return b""
        offset = place - self._block_start
        if not 0 <= offset <= len(self._block) - length:
            self._block = self.content.read(place, min(max(length, BLOCK), self.end - place))
            self._block_start, offset = place, 0
        return self._block[offset : offset + length]

    def block(self, place: int) -> bytes:
        """Return the block that begins at ``place``."""
        return self.content.read(place, max(0, min(BLOCK, self.end - place)))

    def within(self, start: int, end: int) -> ByteWindow:
        """Return the part between two offsets."""
        return ByteWindow(self.content, max(start, self.start), min(end, self.end))

    def plausible(self, milliseconds: float, seen_ms: float, seen: int) -> float | None:
        """Check the length of a file of which only the begin and the end were read.

        Args:
            milliseconds: the length according to its end.
            seen_ms: the length of the part read.
            seen: the offset up to which it was read.

        Returns:
            The length; None if the part between is implausibly short, as in a file made to be undercharged.
        """
        expected = seen_ms * (self.end - self.start) / max(1, seen - self.start)
        unread = (self.end - seen) / _DENSEST
        return milliseconds if milliseconds >= max(expected / 2, seen_ms + unread) else None


def behind_tags(window: ByteWindow) -> ByteWindow:
    """Return what follows the ID3 tags at the begin."""
    place = window.start
    for _ in range(_ID3_TAGS):
        head = window.at(place, _ID3_HEADER)
        if len(head) < _ID3_HEADER or head[:3] != b"ID3":
            break
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        place += _ID3_HEADER + size + (_ID3_HEADER if head[5] & _ID3_FOOTER else 0)
    return window.within(place, window.end)
