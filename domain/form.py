"""A multipart form as it was sent: its parts in their order, and contents that need not be in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class Content(Protocol):
    """The bytes of a part, wherever they are kept."""

    @property
    def size(self) -> int:
        """How many."""

    def read(self, start: int, length: int) -> bytes:
        """``length`` bytes from ``start`` on, fewer at the end."""

    def blocks(self) -> Iterator[bytes]:
        """All of them, in blocks that are good to write; can be asked for again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form.

    Args:
        name: of the field, as sent: with ``[]`` at its end where the client writes lists so.
        head: its header lines as sent, each with its line break, without the blank line.
        content: what follows.
        filename: ``None`` = a field of text.
        content_type: as sent, ``None`` = it names none.
    """

    name: str
    head: bytes
    content: Content
    filename: str | None = None
    content_type: str | None = None

    @property
    def text(self) -> str:
        """The content as text; what is no UTF-8 in it shows up as U+FFFD."""
        return self.content.read(0, self.content.size).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Form:
    """A whole form.

    Args:
        parts: in the order in which they were sent.
    """

    parts: tuple[Part, ...]

    def texts(self, name: str) -> list[str]:
        """Every value of a field of text, under both spellings of lists (``name`` and ``name[]``)."""
        names = (name, f"{name}[]")
        return [part.text for part in self.parts if part.filename is None and part.name in names]

    def text(self, name: str) -> str | None:
        """The last value of a field of text; ``None`` = there is none."""
        values = self.texts(name)
        return values[-1] if values else None

    def files(self, name: str) -> list[Part]:
        """Every file of a field, under both spellings of lists."""
        names = (name, f"{name}[]")
        return [part for part in self.parts if part.filename is not None and part.name in names]
