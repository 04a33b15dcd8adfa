"""The ``response`` object of OpenAI's Responses API, made of what the bridge says and what the caller request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from domain.usage import Usage
from infra.providers.litellm.answer import model_name
from infra.providers.litellm.members import decoded
from infra.providers.litellm.operation import ProviderRequest

encode = msgspec.json.Encoder().encode

_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""Members of the request that an answer repeats, and their defaults."""


def new_id() -> str:
    """Make the id of a response."""
    return f"resp_{uuid4().hex}"


def response_body(
    request: ProviderRequest, made: Mapping[str, Any], response_id: str, usage: Usage | None = None
) -> dict[str, object]:
    """Make the object.

    Args:
        request: the call.
        made: the bridge's answer.
        response_id: its id.
        usage: the upstream's.
    """
    echoed = {name: value for name in _ECHOED if (value := _said(request, name)) is not None}
    return {
        "id": response_id,
        "object": "response",
        "created_at": made["created_at"],
        "status": made["status"],
        "background": False,
        "error": made.get("error"),
        "incomplete_details": made.get("incomplete_details"),
        "model": model_name(made["model"], request.target.provider),
        "output": [item_of(item) for item in made.get("output") or ()],
        "previous_response_id": None,
        "store": False,
        "usage": None if usage is None else usage_member(usage),
        **_ECHOED,
        **echoed,
    }


def item_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item of the output without empty members, and reasoning as a summary, as OpenAI writes it."""
    members: dict[str, Any] = _without_nulls(item)
    if members.get("type") != "reasoning":
        return members
    texts = [part.get("text", "") for part in members.pop("content", ())]
    members.pop("role", None)
    members.setdefault("summary", [{"type": "summary_text", "text": text} for text in texts if text])
    return members


def usage_member(usage: Usage) -> dict[str, object]:
    """Make the ``usage`` member of a response."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _said(request: ProviderRequest, name: str) -> Any:
    raw = request.call.fields.get(name)
    return None if raw is None else decoded(raw)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {name: _without_nulls(each) for name, each in value.items() if each is not None}
        kept.pop("provider_specific_fields", None)
        return kept
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
