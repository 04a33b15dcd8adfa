"""Estimate the output of a stream whose upstream reports no usage; events are read only when the estimate is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from domain.estimates import estimate_tokens, item_parts, message_characters, part_characters
from infra.providers.openai_wire.lazy_json import UNREADABLE
from infra.providers.openai_wire.stream.sse import parse

_HELD = 64 * 1024
"""Bytes of relayed events that are kept before they are read."""


class EventText(NamedTuple):
    """The text of one event.

    Args:
        added: characters that it adds.
        repeated: characters of a text that it repeats when the text is complete.
        whole: characters of the whole answer that it repeats.
        last: it has a finish reason.
    """

    added: int = 0
    repeated: int = 0
    whole: int = 0
    last: bool = False


TextReader = Callable[[bytes], EventText]
"""Read the data of an event.

Raises:
    UNREADABLE: the event has an unknown form.
"""


class _Choice(msgspec.Struct):
    delta: dict[str, Any] | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None


class _Response(msgspec.Struct):
    output: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    response: _Response | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_event = msgspec.json.Decoder(_Event).decode


class OutputCount:
    """Counts the text in relayed blocks. Keeps references to them, and reads them once they exceed 64 KiB.

    Args:
        read: reads an event.
    """

    __slots__ = ("_added", "_blocks", "_finished", "_read_event", "_repeated", "_size", "_whole")

    def __init__(self, read: TextReader) -> None:
        self._read_event = read
        self._blocks: list[bytes] = []
        self._size = 0
        self._added = self._repeated = self._whole = 0
        self._finished = False

    def add(self, block: bytes) -> None:
        """Add a block of complete events."""
        self._blocks.append(block)
        self._size += len(block)
        if self._size > _HELD:
            self._read()

    def tokens(self) -> int:
        """Estimate the tokens relayed so far."""
        self._read()
        return estimate_tokens(max(self._added, self._repeated, self._whole))

    def finished(self) -> bool:
        """Tell whether a chunk had a finish reason."""
        self._read()
        return self._finished

    def _read(self) -> None:
        # Blocks end where events end, but an event may have lost its blank line's first break to the block before.
        lines = b"\n".join(self._blocks).splitlines()
        self._blocks.clear()
        self._size = 0
        for line in lines:
            if line.startswith(b"data:"):
                self._count(parse(line)[1])

    def _count(self, payload: bytes) -> None:
        try:
            text = self._read_event(payload)
        except UNREADABLE:
            return  # [DONE], or an event of unknown form
        self._added += text.added
        self._repeated += text.repeated
        self._whole = max(self._whole, text.whole)
        self._finished = self._finished or text.last


def chat_text(payload: bytes) -> EventText:
    """Read a chunk of a chat completion or a legacy completion; see ``TextReader``."""
    characters, finished = 0, False
    for choice in _decode(payload).choices or ():
        finished = finished or choice.finish_reason is not None
        characters += len(choice.text or "") + message_characters(choice.delta)
    return EventText(characters, last=finished)


def typed_text(payload: bytes) -> EventText:
    """Read an event of a response or a transcript, whose ``delta`` is text unless it is audio; see ``TextReader``."""
    event = _decode_event(payload)
    if event.type.endswith("audio.delta"):
        return EventText()
    if event.delta is not None:
        return EventText(len(event.delta))
    repeated = sum(len(text) for text in (event.text, event.refusal, event.arguments, event.input) if text)
    output = None if event.response is None else event.response.output
    whole = sum(part_characters(part) for part in item_parts(output))
    return EventText(repeated=repeated, whole=whole)
