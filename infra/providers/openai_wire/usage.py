"""Read OpenAI's ``usage`` object. Invalid numbers count as not reported."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from domain.usage import Usage
from infra.providers.openai_wire.lazy_json import UNREADABLE

_Number: TypeAlias = int | float | None
_MOST = 2**53  # beyond it JSON numbers are not exact, and no call has used that much


class _InputDetails(msgspec.Struct):
    cached_tokens: _Number = None
    cache_write_tokens: _Number = None
    audio_tokens: _Number = None
    image_tokens: _Number = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: _Number = None
    audio_tokens: _Number = None
    image_tokens: _Number = None


class _Totals(msgspec.Struct):
    prompt_tokens: _Number = None
    completion_tokens: _Number = None
    input_tokens: _Number = None
    output_tokens: _Number = None
    total_tokens: _Number = None
    seconds: _Number = None


class _Usage(_Totals):
    """Details have three names: in chat, in transcriptions, and elsewhere."""

    prompt_tokens_details: _InputDetails | None = None
    input_tokens_details: _InputDetails | None = None
    input_token_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    output_tokens_details: _OutputDetails | None = None
    output_token_details: _OutputDetails | None = None


_decode = msgspec.json.Decoder(_Usage).decode
_decode_totals = msgspec.json.Decoder(_Totals).decode
_NO_INPUT, _NO_OUTPUT = _InputDetails(), _OutputDetails()


def read_usage(raw: msgspec.Raw | bytes, *, reasoning_apart: bool = False) -> Usage | None:
    """Read a ``usage`` object; None if it reports nothing usable.

    Args:
        raw: the JSON text of the object, of either family (``prompt_tokens`` or ``input_tokens``), or of the kind that
            reports time (``seconds``).
        reasoning_apart: the vendor counts reasoning apart from the output. Where ``total_tokens`` is there, the sum
            decides instead, because models of one and the same vendor differ.
    """
    details_in, details_out = _NO_INPUT, _NO_OUTPUT
    try:
        usage: _Totals = _decode(raw)
    except UNREADABLE:
        try:  # invalid details must not invalidate the totals
            usage = _decode_totals(raw)
        except UNREADABLE:
            return None
    if isinstance(usage, _Usage):
        details_in = usage.prompt_tokens_details or usage.input_tokens_details or usage.input_token_details or _NO_INPUT
        details_out = (
            usage.completion_tokens_details or usage.output_tokens_details or usage.output_token_details or _NO_OUTPUT
        )
    prompt = _first(usage.prompt_tokens, usage.input_tokens)
    completion = _first(usage.completion_tokens, usage.output_tokens)
    milliseconds = whole_milliseconds(usage.seconds)
    if prompt is None and completion is None and milliseconds is None:
        return None
    prompt, completion = prompt or 0, completion or 0
    reasoning = _part(details_out.reasoning_tokens, _MOST)
    if reasoning:
        total = _whole(usage.total_tokens)
        if reasoning_apart if total is None else total == prompt + completion + reasoning:
            completion += reasoning
    cached = _part(details_in.cached_tokens, prompt)
    return Usage(
        prompt,
        completion,
        cached_input_tokens=cached,
        cache_write_tokens=_part(details_in.cache_write_tokens, prompt - cached),
        reasoning_tokens=min(reasoning, completion),
        audio_input_tokens=_part(details_in.audio_tokens, prompt),
        audio_output_tokens=_part(details_out.audio_tokens, completion),
        image_input_tokens=_part(details_in.image_tokens, prompt),
        image_output_tokens=_part(details_out.image_tokens, completion),
        audio_milliseconds=milliseconds or 0,
    )


def whole_milliseconds(seconds: float | None) -> int | None:
    """Convert a duration; None if it is missing, negative or out of range."""
    if seconds is None or not 0 <= seconds <= _MOST / 1000:
        return None
    return round(seconds * 1000)


def _first(number: float | None, other: float | None) -> int | None:
    whole = _whole(number)
    return _whole(other) if whole is None else whole


def _whole(number: float | None) -> int | None:
    """Convert a count; None if it is missing, negative, fractional or out of range."""
    if number is None or not 0 <= number <= _MOST:
        return None
    whole = int(number)
    return whole if whole == number else None


def _part(number: float | None, most: int) -> int:
    """Convert a count that is part of another; 0 if it is invalid."""
    return min(_whole(number) or 0, most) if number else 0
