"""A multipart form as it was sent: its parts in order, with contents that need not be in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol


class Content(Protocol):
    """The bytes of a part, in memory or elsewhere."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` bytes from ``start`` on, fewer at the end."""

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes, in blocks to write. Can be called again."""


@dataclass(slots=True)
class InMemory:
    """A content in memory."""

    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` bytes from ``start`` on, fewer at the end."""
        return self.data[start : start + length]

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes in one block, none if empty."""
        if self.data:
            yield self.data


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form.

    Args:
        name: of the field as sent, with a trailing ``[]`` if the client writes lists so.
        head: its header lines as sent, each with its line break, without the blank line.
        content: of the part.
        filename: None for a text field.
        content_type: as sent; None if absent.
    """

    name: str
    head: bytes
    content: Content
    filename: str | None = None
    content_type: str | None = None

    @property
    def text(self) -> str:
        """The content as text; invalid UTF-8 becomes U+FFFD."""
        return self.content.read(0, self.content.size).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Form:
    """A complete form.

    Args:
        parts: in the order sent.
    """

    parts: tuple[Part, ...]

    def texts(self, name: str) -> list[str]:
        """Return every value of a text field, under both spellings of lists (``name`` and ``name[]``)."""
        names = (name, f"{name}[]")
        return [part.text for part in self.parts if part.filename is None and part.name in names]

    def text(self, name: str) -> str | None:
        """Return the last value of a text field; None if absent."""
        values = self.texts(name)
        return values[-1] if values else None

    def files(self, name: str) -> list[Part]:
        """Return every file of a field, under both spellings of lists."""
        names = (name, f"{name}[]")
        return [part for part in self.parts if part.filename is not None and part.name in names]
