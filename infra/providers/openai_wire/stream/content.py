"""Tell events with content from those that precede it: comments, roles, announcements."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from infra.providers.openai_wire.lazy_json import UNREADABLE

_EMPTY = frozenset({b"null", b'""', b"[]", b"{}"})
_ANNOUNCEMENTS = frozenset(
    {
        *("response.created", "response.queued", "response.in_progress"),
        *("response.output_item.added", "response.content_part.added", "keepalive", "ping"),
    }
)
"""Types of events that precede any content."""


class _AnyChoice(msgspec.Struct):
    delta: dict[str, msgspec.Raw] | None = None
    text: str | None = None
    finish_reason: str | None = None


class _AnyChunk(msgspec.Struct):
    choices: list[_AnyChoice]


class _Typed(msgspec.Struct):
    type: str


_decode_any_chunk = msgspec.json.Decoder(_AnyChunk).decode
_decode_type = msgspec.json.Decoder(_Typed).decode


def chat_content(payload: bytes) -> bool:
    """Tell whether a chunk has any content: more than a role, usage, or results of content filters."""
    return any(
        choice.text
        or choice.finish_reason is not None
        or any(name != "role" and bytes(value) not in _EMPTY for name, value in (choice.delta or {}).items())
        for choice in _decode_any_chunk(payload).choices
    )


def typed_content(payload: bytes) -> bool:
    """Tell whether a typed event has any content."""
    return _decode_type(payload).type not in _ANNOUNCEMENTS


def is_content(payload: bytes, has_content: Callable[[bytes], bool]) -> bool:
    """Tell whether the data of an event has content; that of an unknown form has."""
    try:
        return payload != b"[DONE]" and has_content(payload)
    except UNREADABLE:
        return True
