"""The members of an answer, or of an event, that are ever looked at. Everything else is relayed unread."""

from __future__ import annotations

import msgspec

from infra.providers.openai_wire.surrogates import without_halves

Raw = msgspec.Raw | msgspec.UnsetType

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at what is no JSON, not of the shape that was looked for, no UTF-8, or nested beyond measure."""


class Outline(msgspec.Struct):
    """Raw JSON texts: views into the answer, nothing is copied or decoded before somebody asks."""

    type: Raw = msgspec.UNSET
    object: Raw = msgspec.UNSET
    error: Raw = msgspec.UNSET
    usage: Raw = msgspec.UNSET
    response: Raw = msgspec.UNSET
    data: Raw = msgspec.UNSET
    b64_json: Raw = msgspec.UNSET
    size: Raw = msgspec.UNSET
    quality: Raw = msgspec.UNSET
    duration: Raw = msgspec.UNSET


_decode = msgspec.json.Decoder(Outline).decode
_decode_any = msgspec.json.Decoder().decode


def read_outline(text: bytes | msgspec.Raw) -> Outline:
    """The outline of a JSON object.

    Raises:
        UNREADABLE: it is none.
    """
    try:
        return _decode(text)
    except msgspec.DecodeError:
        whole = bytes(text)
        mended = without_halves(whole)
        if mended == whole:
            raise
        return _decode(mended)


def inner_outline(raw: Raw) -> Outline | None:
    """The outline of an object inside of another one; ``None`` = it is missing or no object."""
    if isinstance(raw, msgspec.UnsetType):
        return None
    try:
        return read_outline(raw)
    except UNREADABLE:
        return None


def text_of(raw: Raw) -> str:
    """A member that is a text; empty = it is missing or something else. Not for what may be large."""
    if isinstance(raw, msgspec.UnsetType) or bytes(memoryview(raw)[:1]) != b'"':
        return ""
    try:
        value = _decode_any(raw)
    except UNREADABLE:
        return ""
    return value if isinstance(value, str) else ""


def present(raw: Raw) -> bool:
    """Whether a member is there and not null."""
    return not isinstance(raw, msgspec.UnsetType) and bytes(memoryview(raw)[:5]) != b"null"
