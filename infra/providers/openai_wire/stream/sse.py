"""Split a stream into server-sent events. They are relayed as bytes and parsed only where they may matter.

No I/O here. An event ends with a blank line, whose line breaks may be LF, CR LF or CR. JSON strings contain no raw line
breaks or quotes, so byte searches for ``"usage"`` and the like find only members.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator

from domain.usage import Usage

MAX_EVENT = 32 * 1024 * 1024
"""Maximum size of one event in bytes, and so of the part of a stream that is held back."""

DONE = b"data: [DONE]\n\n"

_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_WHOLE = (b"}\n\n", b"}\r\n\r\n", b"}\r\r")
"""Ends of a block of complete JSON events; they tell an event from a fragment without parsing it."""
_USUAL = (b"data:", b"event:")
"""Starts of a block whose first event every client can read."""


class EventFilter(ABC):
    """Converts the blocks of an upstream's stream to blocks of complete events for the caller.

    Args:
        max_event: maximum size of an event in bytes; a larger one is a failure.

    Attributes:
        usage: reported usage.
        overtaken: text followed the last report of usage.
        done: the event that completes the answer was read.
        failure: data of an event that is an error or not JSON; neither it nor anything after it is relayed.
    """

    __slots__ = ("_max_event", "_tail", "done", "failure", "overtaken", "usage")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max_event = max_event
        self._tail = bytearray()
        self.usage: Usage | None = None
        self.overtaken = False
        self.done = False
        self.failure: bytes | None = None

    def feed(self, block: bytes) -> bytes:
        """Read the next block, and return the complete events that can be relayed."""
        if self._tail:
            return self._feed_more(block)
        if not block.endswith(b"\n\n"):  # rare
            end = boundary(block)
            self._tail += block[end:]
            block = block[:end]
            self._check_size()
        return self._filtered(block) if block else b""

    def finish(self) -> bytes:
        """Return the last event if its blank line is missing at the end of the stream. A fragment is a failure."""
        rest, self._tail = bytes(self._tail).strip(b"\r\n"), bytearray()
        if not rest or self.done or self.failure is not None:
            return b""
        return self._one_by_one(rest + b"\n\n")

    def after(self, _block: bytes) -> bytes:
        """Return the part of a block after the completed answer that still belongs to it."""
        return b""

    @abstractmethod
    def _first_mark(self, events: bytes) -> int:
        """Return the position of the first text that requires parsing; negative if absent."""

    @abstractmethod
    def _event(self, event: bytes) -> bytes:
        """Return what to relay of one event."""

    def _filtered(self, events: bytes) -> bytes:
        start = self._first_mark(events) if events.startswith(_USUAL) else 0
        if start < 0:
            if events.endswith(_WHOLE):
                return events
            start = len(events) - 1  # broken JSON, most likely
        start = boundary(events, 0, start)
        return events[:start] + self._one_by_one(events[start:])

    def _feed_more(self, block: bytes) -> bytes:
        tail = self._tail
        start = max(len(tail) - 3, 0)
        tail += block
        end = boundary(tail, start)
        if not end:
            self._check_size()
            return b""
        events = bytes(tail[:end])
        del tail[:end]
        return self._filtered(events)

    def _check_size(self) -> None:
        if len(self._tail) > self._max_event:
            self.failure = b""
            self._tail = bytearray()

    def _one_by_one(self, events: bytes) -> bytes:
        kept: list[bytes] = []
        start = 0
        while start < len(events) and not self.done and self.failure is None:
            found = _END.search(events, start)
            end = found.end() if found else len(events)
            kept.append(self._event(events[start:end]))
            start = end
        rest = self.after(events[start:]) if start < len(events) else b""
        if self.done:
            kept.append(rest)
        return b"".join(kept)


def earliest(events: bytes, marks: tuple[bytes, ...], first: int = -1) -> int:
    """Return the position of the first mark that is before ``first``; negative if absent.

    Searching backwards is two to three times as fast in CPython, and there is rarely more than one.
    """
    for mark in marks:
        end = events.rfind(mark) if first < 0 else events.rfind(mark, 0, first)
        while end >= 0:
            first = end
            end = events.rfind(mark, 0, first)
    return first


def boundary(data: bytes | bytearray, start: int = 0, end: int | None = None) -> int:
    """Return the end of the last event that ends within ``data[start:end]``; 0 if absent."""
    found = data.rfind(b"\n\n", start, end) + 2
    if data.find(b"\r", start, end) >= 0:
        found = max(found, data.rfind(b"\n\r\n", start, end) + 3, data.rfind(b"\r\r", start, end) + 2)
        return 0 if found <= 2 else found  # noqa: PLR2004 - the sum if nothing is found
    return 0 if found == 1 else found


def only_comments(event: bytes) -> bytes:
    """Return an event without data if it consists of comments; otherwise nothing.

    ``id:``, ``retry:`` and ``event:`` without data break OpenAI's Python client.
    """
    lines = [line for line in event.splitlines() if line]
    return event if lines and all(line.startswith(b":") for line in lines) else b""


def split(events: bytes) -> Iterator[bytes]:
    """Yield events one by one."""
    start = 0
    while start < len(events):
        found = _END.search(events, start)
        end = found.end() if found else len(events)
        yield events[start:end]
        start = end


def payloads(events: bytes) -> Iterator[bytes]:
    """Yield the data of the events that have any."""
    return (payload for event in split(events) if (payload := parse(event)[1]))


def parse(event: bytes) -> tuple[bytes, bytes]:
    """Return the name of an event, empty if it has none, and its data."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return b"", event[6:-2]
    name, data = b"", []
    for line in event.splitlines():
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.strip()
    return name, b"\n".join(data).strip()
