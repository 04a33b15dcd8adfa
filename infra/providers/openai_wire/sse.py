"""Server-sent events of a chat stream: relayed as bytes, looked into only where they may matter.

No I/O here. An event ends with a blank line, whose line breaks may be LF, CR LF or CR. JSON carries no raw line break
and no raw quote inside a text, so byte searches for ``"usage"`` and the like only ever find members.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from domain.usage import Usage
from infra.providers.openai_wire.halves import without_halves

MAX_EVENT = 32 * 1024 * 1024
"""Bytes that one event may have: no more of a stream than that is ever held back."""

DONE = b"data: [DONE]\n\n"

_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_NULL_USAGE = b',"usage":null'
_SAMPLE = 4096  # bytes of a block that are searched for it: a block whose later events alone have it is a rare one
_WHOLE = (b"}\n\n", b"}\r\n\r\n", b"}\r\r")
"""How a block of chunks ends. Nothing else tells a chunk from a fragment without parsing every one of them."""

_REPORTED = re.compile(rb'"usage"\s*:\s*\{')
_MARKS = (b"[DONE]", b'"error"', b"event:")
_MARKS_AND_USAGE = (b'"usage"', *_MARKS)


class _Chunk(msgspec.Struct):
    usage: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    choices: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class EventFilter:
    """Turns the blocks of an upstream's stream into blocks of whole events for the caller.

    Args:
        read_usage: reads a ``usage`` object.
        keep_usage: the caller asked for usage: everything stays as it came. Otherwise the event that carries only
            usage is left out, and the member is taken out of the others.
        max_event: bytes of an unfinished event that are held back at most; more is a failure.

    Attributes:
        usage: the last report; upstreams that send several count up.
        done: ``[DONE]`` was seen; nothing after it is relayed.
        failure: the payload of an event that is an error, or no JSON; nothing from it on is relayed.
    """

    __slots__ = ("_keep_usage", "_marks", "_max_event", "_read_usage", "_tail", "done", "failure", "usage")

    def __init__(
        self, read_usage: Callable[[bytes], Usage | None], *, keep_usage: bool, max_event: int = MAX_EVENT
    ) -> None:
        self._read_usage = read_usage
        self._keep_usage = keep_usage
        self._marks = _MARKS if keep_usage else _MARKS_AND_USAGE
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

    def _filtered(self, events: bytes) -> bytes:
        if not self._keep_usage and events.find(_NULL_USAGE, 0, _SAMPLE) >= 0:
            # What OpenAI puts into every chunk but the last, taken out of all of them in one go.
            events = events.replace(_NULL_USAGE, b"")
        start = self._first_mark(events)
        if start < 0:
            if events.endswith(_WHOLE):
                return events
            start = len(events) - 1  # broken JSON, most likely
        start = boundary(events, 0, start)
        return events[:start] + self._one_by_one(events[start:])

    def _first_mark(self, events: bytes) -> int:
        """Where the first thing is that has to be looked into; negative = nowhere."""
        first = -1
        # Searching backwards is two to three times as fast in CPython, and there is rarely more than one.
        if self._keep_usage and events.rfind(b'"usage"') >= 0:  # nearly always null: only a report is of interest
            found = _REPORTED.search(events)
            first = found.start() if found else -1
        for mark in self._marks:
            end = events.rfind(mark) if first < 0 else events.rfind(mark, 0, first)
            while end >= 0:
                first = end
                end = events.rfind(mark, 0, first)
        return first

    def _one_by_one(self, events: bytes) -> bytes:
        kept: list[bytes] = []
        start = 0
        while start < len(events) and not self.done and self.failure is None:
            found = _END.search(events, start)
            end = found.end() if found else len(events)
            kept.append(self._event(events[start:end]))
            start = end
        return b"".join(kept)

    def _event(self, event: bytes) -> bytes:
        name, payload = parse(event)
        if payload == b"[DONE]":
            self.done = True
            return DONE
        if not payload:
            # An event without data, ``id:`` and ``retry:`` alone break OpenAI's Python client: only comments pass.
            return event if event.lstrip(b"\r\n").startswith(b":") else b""
        chunk = _read(payload)
        if chunk is None and b"\\u" in payload:
            whole = without_halves(payload)
            chunk, payload = _read(whole), whole
        if chunk is None or name == b"error" or not _empty(chunk.error):
            self.failure = payload
            return b""
        return event if isinstance(chunk.usage, msgspec.UnsetType) else self._with_usage(event, payload, chunk)

    def _with_usage(self, event: bytes, payload: bytes, chunk: _Chunk) -> bytes:
        """An event that has the member ``usage``, as the caller may see it."""
        usage = None if _empty(chunk.usage) else self._read_usage(_text(chunk.usage))
        self.usage = usage or self.usage
        if self._keep_usage:
            return event
        if usage is not None and _empty(chunk.choices):
            return b""
        members = _decode_members(payload)
        del members["usage"]
        return b"data: " + _encode(members) + b"\n\n"


def boundary(data: bytes | bytearray, start: int = 0, end: int | None = None) -> int:
    """Where the last event that ends within ``data[start:end]`` ends; 0 = none does."""
    found = data.rfind(b"\n\n", start, end) + 2
    if data.find(b"\r", start, end) >= 0:
        found = max(found, data.rfind(b"\n\r\n", start, end) + 3, data.rfind(b"\r\r", start, end) + 2)
        return 0 if found <= 2 else found  # noqa: PLR2004 - what not found adds up to
    return 0 if found == 1 else found


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


def _read(payload: bytes) -> _Chunk | None:
    try:
        return _decode(payload)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _text(raw: msgspec.Raw | msgspec.UnsetType) -> bytes:
    return b"" if isinstance(raw, msgspec.UnsetType) else bytes(raw)


def _empty(raw: msgspec.Raw | msgspec.UnsetType) -> bool:
    """Whether a member is missing, null or an empty list."""
    text = _text(raw)
    return text in {b"", b"null", b"[]"} or (text[:1] == b"[" and not text[1:-1].strip())
