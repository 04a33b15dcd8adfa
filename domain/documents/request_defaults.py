"""Request defaults: members of ``parameters`` that are not connection data, sent where the caller sends none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from domain.documents.reader import Reader
from domain.documents.values import VARIABLE_NAME, decimal_of, unfit_text

WHOLE_DEFAULTS = frozenset(
    {"max_tokens", "max_completion_tokens", "max_output_tokens", "n", "seed", "top_k", "top_logprobs", "best_of"}
    | {"dimensions"}
)
NUMERIC_DEFAULTS = WHOLE_DEFAULTS | {
    "temperature",
    "top_p",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "speed",
}
KNOWN_DEFAULTS = NUMERIC_DEFAULTS | {
    "stop",
    "user",
    "logprobs",
    "logit_bias",
    "response_format",
    "reasoning_effort",
    "parallel_tool_calls",
    "service_tier",
    "voice",
    "quality",
    "size",
}
OTHER_NAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""A default is not sent where the caller sends its other name: upstreams refuse both together."""
CALLERS_OWN = frozenset({"messages", "prompt", "input", "stream", "stream_options"})
"""Members that only the caller can set: a default would change the call."""

_DEEPEST = 32
_LARGEST_INTEGER = 2**63 - 1


class _UnfitDefaultError(ValueError):
    """A value that cannot be sent as JSON. The message says why, without the value."""


def read_default(parameters: Reader, name: str, value: object) -> object:
    """Read a default as plain JSON data; None if it is missing or faulty."""
    if name in CALLERS_OWN:
        parameters.warn(name, "can only be set by the caller; it is ignored", "no such parameter")
        return None
    if name in NUMERIC_DEFAULTS:
        return _numeric(parameters, name, value)
    try:
        return _plain(value, 0)
    except _UnfitDefaultError as unfit:
        parameters.error(name, str(unfit), "a value that can be sent as JSON")
        return None


def _numeric(parameters: Reader, name: str, value: object) -> object:
    if isinstance(value, str) and VARIABLE_NAME.fullmatch(value):
        return value
    if name in WHOLE_DEFAULTS:
        return parameters.whole(name, least=-_LARGEST_INTEGER, most=_LARGEST_INTEGER)
    exact = parameters.number(name, least=Decimal(-1_000_000), most=Decimal(1_000_000))
    return None if exact is None else _number(exact)


def _plain(value: object, depth: int) -> object:
    if depth > _DEEPEST:
        raise _UnfitDefaultError("is nested too deeply")
    if isinstance(value, str):
        if unfit_text(value.translate(_WHITESPACE)) is not None:
            raise _UnfitDefaultError("contains control characters or invalid Unicode")
        return value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        exact = decimal_of(value)
        if exact is None:
            raise _UnfitDefaultError("is not a finite number")
        return _number(exact)
    if isinstance(value, Mapping):
        return {str(_plain(str(name), depth)): _plain(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    raise _UnfitDefaultError("is not a JSON value")


def _number(exact: Decimal) -> int | float:
    """Convert to a number that every JSON encoder writes alike: documents are exact, requests need not be."""
    if abs(exact) <= _LARGEST_INTEGER and exact == int(exact):
        return int(exact)
    number = float(exact)
    if not math.isfinite(number):
        raise _UnfitDefaultError("is a number out of range")
    return number


_WHITESPACE = {ord(character): " " for character in "\n\r\t"}
