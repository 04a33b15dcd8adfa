"""Server-sent events, cut out of the blocks of a stream: relayed as bytes, looked into only where they may matter.

No I/O here. An event ends with a blank line, whose line breaks may be LF, CR LF or CR. JSON carries no raw line break
and no raw quote inside a text, so byte searches for ``"usage"`` and the like only ever find members.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from domain.usage import Usage

MAX_EVENT = 32 * 1024 * 1024
"""Bytes that one event may have: no more of a stream than that is ever held back."""

DONE = b"data: [DONE]\n\n"

_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_WHOLE = (b"}\n\n", b"}\r\n\r\n", b"}\r\r")
"""How a block of events ends. Nothing else tells an event from a fragment without parsing every one of them."""
_USUAL = (b"data:", b"event:")
"""How a block begins, unless something stands before its first event that not every client takes."""


class EventFilter(ABC):
    """Turns the blocks of an upstream's stream into blocks of whole events for the caller.

    Args:
        max_event: bytes of an unfinished event that are held back at most; more is a failure.

    Attributes:
        usage: what was reported.
        done: the event that completes the answer was seen.
        failure: the payload of an event that is an error, or no JSON; nothing from it on is relayed.
    """

    __slots__ = ("_max_event", "_tail", "done", "failure", "usage")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max_event = max_event
        self._tail = bytearray()
        self.usage: Usage | None = None
        self.done = False
        self.failure: bytes | None = None

    def feed(self, block: bytes) -> bytes:
        """The next block from the upstream -> what of it, and of what was held back, can be relayed now."""
        if self._tail:
            return self._feed_more(block)
        if not block.endswith(b"\n\n"):  # nearly every block does
            end = boundary(block)
            self._tail += block[end:]
            block = block[:end]
            self._check_size()
        return self._filtered(block) if block else b""

    def finish(self) -> bytes:
        """The upstream ended: the last event, where its blank line never came. A fragment becomes ``failure``."""
        rest, self._tail = bytes(self._tail).strip(b"\r\n"), bytearray()
        if not rest or self.done or self.failure is not None:
            return b""
        return self._one_by_one(rest + b"\n\n")

    def after(self, _block: bytes) -> bytes:
        """What of a block that comes once the answer is complete still belongs to it."""
        return b""

    @abstractmethod
    def _first_mark(self, events: bytes) -> int:
        """Where the first thing is that has to be looked into; negative = nowhere."""

    @abstractmethod
    def _event(self, event: bytes) -> bytes:
        """What of one event is relayed."""

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
        if self.done:
            kept.append(self.after(events[start:]))
        return b"".join(kept)


def earliest(events: bytes, marks: tuple[bytes, ...], first: int = -1) -> int:
    """Where the first of some marks is, if it is before ``first``; negative = nowhere.

    Searching backwards is two to three times as fast in CPython, and there is rarely more than one.
    """
    for mark in marks:
        end = events.rfind(mark) if first < 0 else events.rfind(mark, 0, first)
        while end >= 0:
            first = end
            end = events.rfind(mark, 0, first)
    return first


def boundary(data: bytes | bytearray, start: int = 0, end: int | None = None) -> int:
    """Where the last event that ends within ``data[start:end]`` ends; 0 = none does."""
    found = data.rfind(b"\n\n", start, end) + 2
    if data.find(b"\r", start, end) >= 0:
        found = max(found, data.rfind(b"\n\r\n", start, end) + 3, data.rfind(b"\r\r", start, end) + 2)
        return 0 if found <= 2 else found  # noqa: PLR2004 - what not found adds up to
    return 0 if found == 1 else found


def only_comments(event: bytes) -> bytes:
    """What is relayed of an event without data: all of it where it is nothing but comments.

    ``id:`` and ``retry:`` alone, and the name of an event alone, break OpenAI's Python client.
    """
    lines = [line for line in event.splitlines() if line]
    return event if lines and all(line.startswith(b":") for line in lines) else b""


def first_payload(events: bytes) -> bytes:
    """The data of the first event that has any."""
    start = 0
    while start < len(events):
        found = _END.search(events, start)
        end = found.end() if found else len(events)
        payload = parse(events[start:end])[1]
        if payload:
            return payload
        start = end
    return b""


def parse(event: bytes) -> tuple[bytes, bytes]:
    """The name of an event (empty = it has none) and its data."""
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
