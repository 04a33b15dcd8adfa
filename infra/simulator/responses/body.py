"""The response object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.usage import Usage

_USUAL: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""Members that the object repeats, and what stands there where the request says nothing."""

_TIERS = ("flex", "priority", "scale", "default")


def response_object(
    body: Mapping[str, Any], response_id: str, created: int, status: str, *, usage: Usage | None = None
) -> dict[str, Any]:
    """The object without its output.

    Args:
        body: the request.
        response_id: its id.
        created: seconds since 1970-01-01 UTC.
        status: ``queued``, ``in_progress``, ``completed``, ``incomplete``, ``failed`` or ``cancelled``.
        usage: what was used; ``None`` = not known, or not to be told.
    """
    given = {name: usual if body.get(name) is None else body[name] for name, usual in _USUAL.items()}
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    conversation = body.get("conversation")
    tier = body.get("service_tier")
    return {
        "id": response_id,
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        **({"completed_at": created} if status == "completed" else {}),
        "model": body["model"],
        "output": [],
        **given,
        **({} if conversation is None else {"conversation": _conversation(conversation)}),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": tier if tier in _TIERS else "default",
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity") or "medium"},
        "usage": None if usage is None else usage_object(usage),
    }


def usage_object(usage: Usage) -> dict[str, Any]:
    """The ``usage`` member."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _conversation(given: str | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": given} if isinstance(given, str) else given
