"""Reading single members of a JSON body; everything else in it stays opaque."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidRequestError

_MAX_USER_LENGTH = 256

_decode = json.JSONDecoder().raw_decode
"""``json.loads`` without its look for blanks around the value, and a quarter of its time: there are none here."""

Fields = Mapping[str, bytes]
"""Members of a body, each as its raw JSON text."""


def required(fields: Fields, name: str) -> bytes:
    """The raw text of a member.

    Raises:
        InvalidRequestError: it is missing.
    """
    raw = fields.get(name)
    if raw is None:
        raise InvalidRequestError(f"Missing required parameter: '{name}'.", param=name)
    return raw


def read_model(fields: Fields) -> str:
    """The public name of the model that is asked for.

    Raises:
        InvalidRequestError: it is missing, no text, or empty.
    """
    raw = fields.get("model")
    if raw is None:
        raise InvalidRequestError("You must provide a model parameter.", param="model")
    model = load(raw, "model")
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("Invalid type for 'model': expected a non-empty string.", param="model")
    return model


def load(raw: bytes, name: str) -> object:
    """Decode one member. It is well-formed, but Python refuses what is nested too deeply or has too many digits."""
    try:
        return _decode(str(raw, "utf-8"))[0]
    except (ValueError, RecursionError):
        raise InvalidRequestError(f"Invalid value for '{name}'.", param=name) from None


def taken(raw: bytes) -> Any:
    """Decode what an upstream took or gave; ``None`` where Python refuses it all the same (depth, digits)."""
    try:
        return json.loads(bytes(raw))
    except (ValueError, RecursionError):
        return None


def string(fields: Fields, name: str) -> str | None:
    """A member that was read before and need not be a text; ``None`` = it is none, or empty."""
    raw = fields.get(name)
    value = None if raw is None else taken(raw)
    return value if isinstance(value, str) and value else None


def first_byte(raw: bytes) -> bytes:
    """What tells the type of a member: the first byte of its raw text."""
    return bytes(memoryview(raw)[:1])


def boolean(fields: Fields, name: str) -> bool:
    """A member that is true or false; missing and null count as false.

    Raises:
        InvalidRequestError: it is something else.
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


def written(fields: Fields, name: str) -> bytes:
    """The raw text of a member that has to be a string with something in it.

    Raises:
        InvalidRequestError: it is missing, no text, or empty.
    """
    raw = required(fields, name)
    if first_byte(raw) != b'"':
        raise InvalidRequestError(f"Invalid type for '{name}': expected a string.", param=name)
    if len(raw) == len(b'""'):
        raise InvalidRequestError(f"Invalid '{name}': expected a string that is not empty.", param=name)
    return raw


def integer(fields: Fields, name: str, *, least: int, most: int, default: int) -> int:
    """A member that is a whole number within bounds; missing and null count as the default.

    Raises:
        InvalidRequestError: it is something else, or out of bounds.
    """
    raw = fields.get(name)
    value = default if raw is None else load(raw, name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequestError(f"Invalid type for '{name}': expected an integer.", param=name)
    return bounded(name, value, least, most)


def bounded(name: str, value: int, least: int, most: int) -> int:
    """A number, if it is within bounds.

    Raises:
        InvalidRequestError: it is not.
    """
    if value < least:
        raise InvalidRequestError(f"Invalid '{name}': expected a value of at least {least}.", param=name)
    if value > most:
        raise InvalidRequestError(f"Invalid '{name}': expected a value of at most {most}.", param=name)
    return value


def filled(fields: Fields, name: str) -> bool:
    """Whether a member is there and neither null nor an empty list."""
    raw = fields.get(name)
    return raw is not None and bytes(memoryview(raw)[:4]) != b"null" and bytes(memoryview(raw)[:2]) != b"[]"


def end_user(fields: Fields) -> str | None:
    """The ``user`` of the body, cut to what the ledger keeps."""
    raw = fields.get("user")
    if raw is None:
        return None
    user = load(raw, "user")
    return user[:_MAX_USER_LENGTH] if isinstance(user, str) and user else None
