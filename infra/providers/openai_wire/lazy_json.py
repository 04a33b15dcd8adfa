"""Decode only those members of an answer, or of an event, that are looked at. Everything else is relayed unread."""

from __future__ import annotations

import re

import msgspec

Raw = msgspec.Raw | msgspec.UnsetType

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Raised by msgspec for invalid JSON, unexpected types, invalid UTF-8 and excessive nesting."""

_HEX = rb"[\da-fA-F]{2}"
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]%b\\u[dD][c-fC-F]%b|(u[dD][89a-fA-F]%b)|.)" % (_HEX, _HEX, _HEX), re.DOTALL)


class LazyObject(msgspec.Struct):
    """Raw JSON texts of members: views into the answer, neither copied nor decoded before they are needed."""

    type: Raw = msgspec.UNSET
    object: Raw = msgspec.UNSET
    error: Raw = msgspec.UNSET
    usage: Raw = msgspec.UNSET
    choices: Raw = msgspec.UNSET
    x_groq: Raw = msgspec.UNSET
    response: Raw = msgspec.UNSET
    data: Raw = msgspec.UNSET
    b64_json: Raw = msgspec.UNSET
    size: Raw = msgspec.UNSET
    quality: Raw = msgspec.UNSET
    duration: Raw = msgspec.UNSET


_decode = msgspec.json.Decoder(LazyObject).decode
_decode_any = msgspec.json.Decoder().decode


def read_object(text: bytes | msgspec.Raw) -> LazyObject:
    """Read a JSON object.

    Raises:
        UNREADABLE: the text is not a JSON object.
    """
    try:
        return _decode(text)
    except msgspec.DecodeError:
        original = bytes(text)
        repaired = replace_lone_surrogates(original)
        if repaired == original:
            raise
        return _decode(repaired)


def inner_object(raw: Raw) -> LazyObject | None:
    """Read a member that is an object; None if it is missing or something else."""
    if isinstance(raw, msgspec.UnsetType):
        return None
    try:
        return read_object(raw)
    except UNREADABLE:
        return None


def text_of(raw: Raw) -> str:
    """Decode a member that is a string; empty if it is missing or something else. Not for large values."""
    if isinstance(raw, msgspec.UnsetType) or bytes(memoryview(raw)[:1]) != b'"':
        return ""
    try:
        value = _decode_any(raw)
    except UNREADABLE:
        return ""
    return value if isinstance(value, str) else ""


def present(raw: Raw) -> bool:
    """Tell whether a member exists and is not null."""
    return not isinstance(raw, msgspec.UnsetType) and bytes(memoryview(raw)[:5]) != b"null"


def replace_lone_surrogates(text: bytes) -> bytes:
    """Replace each escaped surrogate that has no partner with U+FFFD, for reading, not for relaying.

    JavaScript writes such escapes when it cuts a string in the middle of an emoji. They are grammatical JSON, and
    clients accept them; the decoder used here does not.
    """
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found.group(1) else found.group(), text)
