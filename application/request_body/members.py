"""Read single members of a JSON body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidRequestError, MissingParameterError
from domain.estimates import sampled_tokens

_MAX_USER_LENGTH = 256

_decode = json.JSONDecoder().raw_decode
"""``json.loads`` without skipping blanks around the value, in a quarter of its time: here there are none."""

Fields = Mapping[str, bytes]
"""Members of a body, each as its raw JSON text."""

LARGE = 1024 * 1024
"""Bytes of a member above which it is not decoded: other callers would have to wait."""


def required(fields: Fields, name: str) -> bytes:
    """Return the raw text of a member.

    Raises:
        MissingParameterError: it is missing.
    """
    raw = fields.get(name)
    if raw is None:
        raise MissingParameterError(name)
    return raw


def read_model(fields: Fields) -> str:
    """Return the name of the model that the caller asks for.

    Raises:
        InvalidRequestError: it is missing, not a string, or empty.
    """
    raw = fields.get("model")
    if raw is None:
        raise MissingParameterError("model")
    model = load(raw, "model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("Invalid type for 'model': expected a non-empty string.", param="model")
    return model


def load(raw: bytes, name: str) -> object:
    """Decode one member. It is well-formed JSON.

    Raises:
        InvalidRequestError: it is too large, nested too deeply, or has too many digits for Python.
    """
    check_size(raw, name)
    try:
        return _decode(str(raw, "utf-8"))[0]
    except (ValueError, RecursionError):
        raise InvalidRequestError(f"Invalid value for '{name}'.", param=name) from None


def decoded(raw: bytes) -> Any:
    """Decode what an upstream accepted or sent; None if Python cannot (depth, digits, not JSON)."""
    try:
        return json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return None


def string(fields: Fields, name: str) -> str | None:
    """Return a member that is a string with something in it; None if it is anything else, or large."""
    raw = fields.get(name)
    value = None if raw is None or len(raw) > LARGE else decoded(raw)
    return value if isinstance(value, str) and value else None


def large_tokens(fields: Fields, *names: str) -> int | None:
    """Estimate the tokens in members that are too large to be decoded; None if they are not."""
    values = [raw for name in names if (raw := fields.get(name)) is not None]
    return sum(map(sampled_tokens, values)) if sum(map(len, values)) > LARGE else None


def check_size(raw: bytes, name: str, most: int = LARGE) -> None:
    """Check the size of a member.

    Raises:
        InvalidRequestError: it is too large.
    """
    if len(raw) > most:
        raise InvalidRequestError(f"Invalid value for '{name}': expected at most {most} bytes.", param=name)


def first_byte(raw: bytes) -> bytes:
    """Return the first byte of a member's raw text, which tells its type."""
    return bytes(memoryview(raw)[:1])


def boolean(fields: Fields, name: str) -> bool:
    """Return a boolean member; missing and null count as false.

    Raises:
        InvalidRequestError: it is not a boolean.
    """
    raw = fields.get(name)
    if raw is None:
        return False
    text = bytes(raw)
    if text == b"true":
        return True
    if text in {b"false", b"null"}:
        return False
    raise InvalidRequestError(f"Invalid type for '{name}': expected a boolean.", param=name)


def non_empty_string(fields: Fields, name: str) -> bytes:
    """Return the raw text of a member that has to be a string with something in it.

    Raises:
        InvalidRequestError: it is missing, not a string, empty, or too large.
    """
    raw = required(fields, name)
    check_size(raw, name)
    if first_byte(raw) != b'"':
        raise InvalidRequestError(f"Invalid type for '{name}': expected a string.", param=name)
    if len(raw) == len(b'""'):
        raise InvalidRequestError(f"Invalid '{name}': expected a non-empty string.", param=name)
    return raw


def integer(fields: Fields, name: str, *, least: int, most: int, default: int) -> int:
    """Return an integer member within bounds; missing and null count as the default.

    Raises:
        InvalidRequestError: it is not an integer, or out of bounds.
    """
    raw = fields.get(name)
    value = default if raw is None else load(raw, name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequestError(f"Invalid type for '{name}': expected an integer.", param=name)
    return bounded(name, value, least, most)


def bounded(name: str, value: int, least: int, most: int) -> int:
    """Return a number that is within bounds.

    Raises:
        InvalidRequestError: it is out of bounds.
    """
    if value < least:
        raise InvalidRequestError(f"Invalid '{name}': expected a value of at least {least}.", param=name)
    if value > most:
        raise InvalidRequestError(f"Invalid '{name}': expected a value of at most {most}.", param=name)
    return value


def filled(fields: Fields, name: str) -> bool:
    """Return whether a member is present and neither null nor an empty list."""
    raw = fields.get(name)
    return raw is not None and bytes(memoryview(raw)[:4]) != b"null" and bytes(memoryview(raw)[:2]) != b"[]"


def end_user(fields: Fields) -> str | None:
    """Return the ``user`` of the body, cut to what the ledger keeps."""
    raw = fields.get("user")
    if raw is None:
        return None
    user = load(raw, "user")
    return user[:_MAX_USER_LENGTH] if isinstance(user, str) and user else None


def wants_usage(fields: Fields) -> bool:
    """Return whether the caller asked for the usage chunk of a stream.

    Raises:
        InvalidRequestError: ``stream_options`` is not an object, or its ``include_usage`` is not a boolean.
    """
    raw = fields.get("stream_options")
    if raw is None:
        return False
    options = load(raw, "stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise InvalidRequestError("Invalid type for 'stream_options': expected an object.", param="stream_options")
    wanted = options.get("include_usage")
    if wanted is not None and not isinstance(wanted, bool):
        raise InvalidRequestError(
            "Invalid type for 'stream_options.include_usage': expected a boolean.", param="stream_options.include_usage"
        )
    return bool(wanted)
