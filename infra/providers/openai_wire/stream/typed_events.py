"""Streams of typed events: responses, images, transcripts, speech. The member ``type`` names the event."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.usage import Usage
from infra.providers.openai_wire.lazy_json import UNREADABLE, LazyObject, inner_object, present, read_object, text_of
from infra.providers.openai_wire.stream.sse import (
    DONE,
    MAX_EVENT,
    EventFilter,
    earliest,
    only_comments,
    parse,
    payloads,
)

_MARKS = (b'"error"', b"event: error", b"[DONE]", b"event: ping", b"event:ping")
_DONE = b"[DONE]"


class TypedEvents(EventFilter):
    """Relays events unchanged. Complete with the last of the events that complete a result.

    Args:
        last: types of those events.
        expected: number of those events; the stream may end after fewer, but not without any.
        read: reads the usage of such an event, or of the response inside it.
        redact: redacts the error in such an event.
        max_event: see ``EventFilter``.

    Attributes:
        failed: data of an event that completes a result which is an error.
    """

    __slots__ = ("_expected", "_found", "_last", "_marks", "_read", "_redact", "_sum", "failed")

    def __init__(
        self,
        last: Iterable[str],
        read: Callable[[LazyObject], Usage | None],
        redact: Callable[[bytes], bytes],
        *,
        expected: int = 1,
        max_event: int = MAX_EVENT,
    ) -> None:
        super().__init__(max_event)
        self._last = frozenset(last)
        self._marks = (*(f'"{name}"'.encode() for name in self._last), *_MARKS)
        self._read = read
        self._redact = redact
        self._expected = expected
        self._found = 0
        self._sum: Usage | None = None
        self.failed: bytes | None = None

    def finish(self) -> bytes:
        """Complete the answer at the end of the stream if it has a result; see ``EventFilter``."""
        rest = super().finish()
        if self._found and self.failure is None:
            self._complete()
        return rest

    def after(self, block: bytes) -> bytes:
        """Return ``[DONE]``, with which some servers end these streams, too; read usage that follows an error."""
        if self.failure is not None and b'"usage"' in block:
            for payload in payloads(block):
                event_data = _read(payload)
                if event_data is not None and text_of(event_data.type) in self._last:
                    self._completes(event_data)
        return DONE if _DONE in block else b""

    def _first_mark(self, events: bytes) -> int:
        return earliest(events, self._marks)

    def _event(self, event: bytes) -> bytes:
        name, payload = parse(event)
        if not payload:
            return only_comments(event)
        if payload == _DONE and self._found:
            self._complete()
            return DONE
        event_data = _read(payload)
        kind = "" if event_data is None else text_of(event_data.type)
        if event_data is None or name == b"error" or kind == "error" or present(event_data.error):
            self.failure = payload
            return b""
        if kind in self._last and self._completes(event_data):
            self.failed = payload
            return b"event: %b\ndata: %b\n\n" % (kind.encode(), self._redact(payload))
        return event

    def _completes(self, event_data: LazyObject) -> bool:
        """Read an event that completes a result, and tell whether the result is an error."""
        inner = inner_object(event_data.response) or event_data
        usage = self._read(inner)
        if usage is not None:
            self._sum = usage if self._sum is None else self._sum.plus(usage)
        self._found += 1
        if self._found >= self._expected:
            self._complete()
        return present(inner.error)

    def _complete(self) -> None:
        """Publish the sum of the usage; if an answer is interrupted, all that was requested may be charged."""
        self.done = True
        self.usage = self._sum


def _read(payload: bytes) -> LazyObject | None:
    try:
        return read_object(payload)
    except UNREADABLE:
        return None
