"""The members of an answer, or of an event, that are ever looked at. Everything else is relayed unread."""

from __future__ import annotations

import re

import msgspec

Raw = msgspec.Raw | msgspec.UnsetType

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at what is no JSON, not of the shape that was looked for, no UTF-8, or nested beyond measure."""


class LazyObject(msgspec.Struct):
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


_decode = msgspec.json.Decoder(LazyObject).decode
_decode_any = msgspec.json.Decoder().decode


def read_object(text: bytes | msgspec.Raw) -> LazyObject:
    """The outline of a JSON object.

    Raises:
        UNREADABLE: it is none.
    """
    try:
        return _decode(text)
    except msgspec.DecodeError:
        whole = bytes(text)
        mended = replace_lone_surrogates(whole)
        if mended == whole:
            raise
        return _decode(mended)


def inner_object(raw: Raw) -> LazyObject | None:
    """The outline of an object inside of another one; ``None`` = it is missing or no object."""
    if isinstance(raw, msgspec.UnsetType):
        return None
    try:
        return read_object(raw)
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


_HEX = rb"[\da-fA-F]{2}"
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|(u[dD][89a-fA-F]%b)|.)" % (_HEX, _HEX, _HEX), re.DOTALL)


def replace_lone_surrogates(text: bytes) -> bytes:
    """The same text with U+FFFD in place of each half: to look into, not to relay."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found.group(1) else found.group(), text)
