"""Streams of completions: chunks, usage that only some callers request, and ``[DONE]``."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from domain.usage import Usage
from infra.providers.openai_wire.lazy_json import UNREADABLE, replace_lone_surrogates
from infra.providers.openai_wire.stream.sse import DONE, MAX_EVENT, EventFilter, earliest, only_comments, parse

_NULL_USAGE = b',"usage":null'
_SAMPLE = 4096  # bytes of a block that are searched for it; only in later events is rare

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


class ChatEvents(EventFilter):
    """Filters chunks. Complete with ``[DONE]``; nothing after it is relayed. The last reported usage counts.

    Some servers report progress with every chunk. Only usage in a chunk without choices covers the whole answer.

    Args:
        read_usage: reads a ``usage`` object.
        keep_usage: the caller requested usage, and all chunks stay unchanged. Otherwise the chunk that has only usage
            is left out, and the member is removed from the others.
        max_event: see ``EventFilter``.

    Attributes:
        summed_up: usage of the whole answer was reported.
    """

    __slots__ = ("_keep_usage", "_marks", "_read_usage", "summed_up")

    def __init__(
        self, read_usage: Callable[[bytes], Usage | None], *, keep_usage: bool, max_event: int = MAX_EVENT
    ) -> None:
        super().__init__(max_event)
        self.summed_up = False
        self._read_usage = read_usage
        self._keep_usage = keep_usage
        self._marks = _MARKS if keep_usage else _MARKS_AND_USAGE

    def _filtered(self, events: bytes) -> bytes:
        if not self._keep_usage and events.find(_NULL_USAGE, 0, _SAMPLE) >= 0:
            # OpenAI sends it in every chunk but the last: remove it from all at once.
            events = events.replace(_NULL_USAGE, b"")
        return super()._filtered(events)

    def _first_mark(self, events: bytes) -> int:
        first = -1
        if self._keep_usage and events.rfind(b'"usage"') >= 0:  # nearly always null
            found = _REPORTED.search(events)
            first = found.start() if found else -1
        return earliest(events, self._marks, first)

    def _event(self, event: bytes) -> bytes:
        name, payload = parse(event)
        if payload == b"[DONE]":
            self.done = True
            return DONE
        if not payload:
            return only_comments(event)
        chunk = _read(payload)
        if chunk is None and b"\\u" in payload:
            payload = replace_lone_surrogates(payload)
            chunk = _read(payload)
        if chunk is None or name == b"error" or not _empty(chunk.error):
            self.failure = payload
            return b""
        return event if isinstance(chunk.usage, msgspec.UnsetType) else self._with_usage(event, payload, chunk)

    def _with_usage(self, event: bytes, payload: bytes, chunk: _Chunk) -> bytes:
        """Return an event with the member ``usage`` as the caller may see it."""
        usage = None if _empty(chunk.usage) else self._read_usage(_text(chunk.usage))
        last = usage is not None and _empty(chunk.choices)
        self.summed_up = self.summed_up or last
        if usage is not None and (self.usage is None or usage.input_tokens or usage.output_tokens):
            self.usage = usage  # zeros do not replace a report
        if self._keep_usage:
            return event
        if last:
            return b""
        try:
            members = _decode_members(payload)
        except UNREADABLE:
            self.failure = payload
            return b""
        del members["usage"]
        return b"data: " + _encode(members) + b"\n\n"


def _read(payload: bytes) -> _Chunk | None:
    try:
        return _decode(payload)
    except UNREADABLE:
        return None


def _text(raw: msgspec.Raw | msgspec.UnsetType) -> bytes:
    return b"" if isinstance(raw, msgspec.UnsetType) else bytes(raw)


def _empty(raw: msgspec.Raw | msgspec.UnsetType) -> bool:
    """Tell whether a member is missing, null or an empty list."""
    text = _text(raw)
    return text in {b"", b"null", b"[]"} or (text[:1] == b"[" and not text[1:-1].strip())
