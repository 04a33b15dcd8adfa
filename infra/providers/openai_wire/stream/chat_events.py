"""Streams of completions: chunks, usage that only some callers request, and ``[DONE]``."""

from __future__ import annotations

import re

import msgspec

from infra.providers.openai_wire.lazy_json import UNREADABLE, LazyObject, Raw, read_object, replace_lone_surrogates
from infra.providers.openai_wire.stream.output_count import chat_text
from infra.providers.openai_wire.stream.sse import DONE, MAX_EVENT, EventFilter, earliest, only_comments, parse, split
from infra.providers.openai_wire.usage_readers import UsageParser, usage_member

_NULL_USAGE = b',"usage":null'
_SAMPLE = 4096  # bytes of a block that are searched for it; only in later events is rare

_REPORTED = re.compile(rb'"usage"\s*:\s*\{')
_MARKS = (b"[DONE]", b'"error"', b"event:")
_MARKS_AND_USAGE = (b'"usage"', *_MARKS)

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class ChatEvents(EventFilter):
    """Filters chunks. Complete with ``[DONE]``; nothing after it is relayed. The last reported usage counts.

    Some servers report progress with every chunk, or the prompt with the first. Only usage in a chunk without choices
    covers the whole answer, unless text follows.

    Args:
        parse_usage: reads a ``usage`` object.
        keep_usage: the caller requested usage, and all chunks stay unchanged. Otherwise the chunk that has only usage
            is left out, and the member is removed from the others.
        max_event: see ``EventFilter``.

    Attributes:
        summed_up: usage of the whole answer was reported.
    """

    __slots__ = ("_keep_usage", "_marks", "_parse_usage", "summed_up")

    def __init__(self, parse_usage: UsageParser, *, keep_usage: bool, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event)
        self.summed_up = False
        self._parse_usage = parse_usage
        self._keep_usage = keep_usage
        self._marks = _MARKS if keep_usage else _MARKS_AND_USAGE

    def after(self, block: bytes) -> bytes:
        """Read usage that is reported after the end; nothing of it is relayed."""
        for event in split(block) if _REPORTED.search(block) else ():
            chunk = _read(parse(event)[1])
            if chunk is not None:
                self._report(chunk)
        return b""

    def _filtered(self, events: bytes) -> bytes:
        if not self._keep_usage and events.find(_NULL_USAGE, 0, _SAMPLE) >= 0:
            # OpenAI sends it in every chunk but the last: remove it from all at once.
            events = events.replace(_NULL_USAGE, b"")
        return super()._filtered(events)

    def _first_mark(self, events: bytes) -> int:
        if self.usage is not None and not self.overtaken:
            return 0
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
        if chunk is None or name == b"error" or not _empty(chunk.error):
            self.failure = payload
            if chunk is not None:
                self._report(chunk)
            return b""
        reported = self._report(chunk)
        if not reported and self.usage is not None and not self.overtaken and _has_text(payload):
            self.overtaken, self.summed_up = True, False
        if self._keep_usage or isinstance(chunk.usage, msgspec.UnsetType):
            return event
        return b"" if reported and _empty(chunk.choices) else self._without_usage(payload)

    def _report(self, chunk: LazyObject) -> bool:
        """Note the usage that a chunk reports; False if it reports none."""
        raw = usage_member(chunk)
        usage = None if _empty(raw) else self._parse_usage(_text(raw))
        if usage is None:
            return False
        self.overtaken = False
        self.summed_up = self.summed_up or _empty(chunk.choices)
        if self.usage is None or usage.input_tokens or usage.output_tokens:
            self.usage = usage  # zeros do not replace a report
        return True

    def _without_usage(self, payload: bytes) -> bytes:
        try:
            members = _decode_members(replace_lone_surrogates(payload) if b"\\u" in payload else payload)
        except UNREADABLE:
            self.failure = payload
            return b""
        del members["usage"]
        return b"data: " + _encode(members) + b"\n\n"


def _has_text(payload: bytes) -> bool:
    try:
        return chat_text(payload).added > 0
    except UNREADABLE:
        return False


def _read(payload: bytes) -> LazyObject | None:
    try:
        return read_object(payload)
    except UNREADABLE:
        return None


def _text(raw: Raw) -> bytes:
    return b"" if isinstance(raw, msgspec.UnsetType) else bytes(raw)


def _empty(raw: Raw) -> bool:
    """Tell whether a member is missing, null or an empty list."""
    text = _text(raw)
    return text in {b"", b"null", b"[]"} or (text[:1] == b"[" and not text[1:-1].strip())
