"""Conversion of LiteLLM's usage object to quantities, and of those to OpenAI's ``usage`` member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from domain.usage import Usage

_EMPTY: Mapping[str, Any] = {}


def usage_of(reported: Any) -> Usage | None:
    """Return what the upstream counted, or None.

    LiteLLM includes reads from and writes to a prompt cache in ``prompt_tokens``, as the domain does. It reports zeros
    where the upstream reports nothing.

    Image tokens of the input remain part of the ordinary input: no vendor reached through LiteLLM prices them
    separately.
    """
    if reported is None:
        return None
    report = reported if isinstance(reported, Mapping) else reported.model_dump(exclude_none=True, warnings=False)
    sent = report.get("prompt_tokens_details") or _EMPTY
    received = report.get("completion_tokens_details") or _EMPTY
    usage = Usage(
        input_tokens=_count(report, "prompt_tokens"),
        output_tokens=_count(report, "completion_tokens"),
        # The last two as vendors report them beside OpenAI's names; LiteLLM hands them on unread for some.
        cached_input_tokens=_count(sent, "cached_tokens")
        or _count(report, "cache_read_input_tokens")
        or _count(report, "cached_tokens")
        or _count(report, "prompt_cache_hit_tokens"),
        cache_write_tokens=_count(sent, "cache_creation_tokens") or _count(report, "cache_creation_input_tokens"),
        reasoning_tokens=_count(received, "reasoning_tokens"),
        audio_input_tokens=_count(sent, "audio_tokens"),
        audio_output_tokens=_count(received, "audio_tokens"),
        image_output_tokens=_count(received, "image_tokens"),
    )
    return usage if usage.input_tokens or usage.output_tokens else None


def larger(one: Usage | None, other: Usage | None) -> Usage | None:
    """Return the larger of each quantity: reports within a stream repeat or complete each other, they never add up."""
    if one is None or other is None:
        return one or other
    return Usage(**{field.name: max(getattr(one, field.name), getattr(other, field.name)) for field in fields(Usage)})


def openai_usage(usage: Usage) -> dict[str, object]:
    """Make the ``usage`` member; ``cache_write_tokens`` is its only name that OpenAI lacks."""
    sent = {"cached_tokens": usage.cached_input_tokens, "audio_tokens": usage.audio_input_tokens}
    if usage.cache_write_tokens:
        sent["cache_write_tokens"] = usage.cache_write_tokens
    received = {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": usage.audio_output_tokens}
    if usage.image_output_tokens:
        received["image_tokens"] = usage.image_output_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": sent,
        "completion_tokens_details": received,
    }


def _count(report: Mapping[str, Any], name: str) -> int:
    value = report.get(name)
    return value if isinstance(value, int) and value > 0 else 0
