"""Streams of named events: responses, images, transcripts, speech. The name of an event is the ``type`` inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain.usage import Usage
from infra.providers.openai_wire.lazy_json import UNREADABLE, LazyObject, inner_object, present, read_object, text_of
from infra.providers.openai_wire.stream.sse import DONE, MAX_EVENT, EventFilter, earliest, only_comments, parse

_MARKS = (b'"error"', b"event: error", b"[DONE]", b"event: ping", b"event:ping")
_DONE = b"[DONE]"


class TypedEvents(EventFilter):
    """Events for the caller, as they came. Complete with the last of the events that complete something.

    Args:
        last: the types of those events.
        expected: how many of them; the stream may also end after fewer, as long as there was one.
        read: what such an event reports: the outline of the event, or of the response inside of it.
        mend: from such an event, where it carries an error, to what of it the caller may see.
        max_event: see ``EventFilter``.
    """

    __slots__ = ("_expected", "_found", "_last", "_marks", "_mend", "_read", "_sum")

    def __init__(
        self,
        last: Iterable[str],
        read: Callable[[LazyObject], Usage | None],
        mend: Callable[[bytes], bytes],
        *,
        expected: int = 1,
        max_event: int = MAX_EVENT,
    ) -> None:
        super().__init__(max_event)
        self._last = frozenset(last)
        self._marks = (*(f'"{name}"'.encode() for name in self._last), *_MARKS)
        self._read = read
        self._mend = mend
        self._expected = expected
        self._found = 0
        self._sum: Usage | None = None

    def finish(self) -> bytes:
        """The upstream ended; see ``EventFilter``. Complete if anything was completed."""
        rest = super().finish()
        if self._found and self.failure is None:
            self._complete()
        return rest

    def after(self, block: bytes) -> bytes:
        """Some servers end with ``[DONE]`` here, too."""
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
        outline = _read(payload)
        kind = "" if outline is None else text_of(outline.type)
        if outline is None or name == b"error" or kind == "error" or present(outline.error):
            self.failure = payload
            return b""
        if kind in self._last and self._failed(outline):
            return b"event: %b\ndata: %b\n\n" % (kind.encode(), self._mend(payload))
        return event

    def _failed(self, outline: LazyObject) -> bool:
        """Count what an event reports that completes something; whether what it completes is a failure."""
        inner = inner_object(outline.response) or outline
        usage = self._read(inner)
        if usage is not None:
            self._sum = usage if self._sum is None else self._sum.plus(usage)
        self._found += 1
        if self._found >= self._expected:
            self._complete()
        return present(inner.error)

    def _complete(self) -> None:
        """Only now is the sum shown: of an answer that breaks off, all that was asked for may be charged."""
        self.done = True
        self.usage = self._sum


def _read(payload: bytes) -> LazyObject | None:
    try:
        return read_object(payload)
    except UNREADABLE:
        return None
