"""A view of a content's bytes that reads it in blocks, for parsers that go through it from front to back."""

from __future__ import annotations

from domain.form import Content

BLOCK = 1 << 18
"""Bytes that are read at a time."""


class Window:
    """Bytes of a content between two places; keeps the block that was read last.

    Args:
        content: what to look at.
        start: where the view begins.
        end: where it ends; ``None`` = at the end of the content, which also limits it.
    """

    __slots__ = ("_block", "_block_start", "content", "end", "start")

    def __init__(self, content: Content, start: int = 0, end: int | None = None) -> None:
        self.content = content
        self.end = content.size if end is None else min(end, content.size)
        self.start = min(start, self.end)
        self._block = b""
        self._block_start = 0

    def at(self, place: int, length: int) -> bytes:
        """``length`` bytes from ``place`` on, fewer at the end of the view."""
        length = min(length, self.end - place)
        if place < self.start or length <= 0:
            return b""
        offset = place - self._block_start
        if not 0 <= offset <= len(self._block) - length:
            self._block = self.content.read(place, min(max(length, BLOCK), self.end - place))
            self._block_start, offset = place, 0
        return self._block[offset : offset + length]

    def block(self, place: int) -> bytes:
        """What follows ``place``, as much as is good to read at a time."""
        return self.content.read(place, max(0, min(BLOCK, self.end - place)))

    def within(self, start: int, end: int) -> Window:
        """The part between two places."""
        return Window(self.content, max(start, self.start), min(end, self.end))
