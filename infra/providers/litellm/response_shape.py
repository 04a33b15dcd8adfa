"""The ``response`` object of OpenAI's Responses API, made of what the bridge says and what the caller asked."""

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
"""What an answer repeats of the request, and what it says where the request was silent."""


def new_id() -> str:
    """An id of a response."""
    return f"resp_{uuid4().hex}"


def response_body(
    asked: ProviderRequest, made: Mapping[str, Any], response_id: str, usage: Usage | None = None
) -> dict[str, object]:
    """The object.

    Args:
        asked: the call.
        made: the bridge's own, of which it takes only what the upstream decided.
        response_id: its id.
        usage: what the upstream counted.
    """
    echoed = {name: value for name in _ECHOED if (value := _said(asked, name)) is not None}
    return {
        "id": response_id,
        "object": "response",
        "created_at": made["created_at"],
        "status": made["status"],
        "background": False,
        "error": made.get("error"),
        "incomplete_details": made.get("incomplete_details"),
        "model": model_name(made["model"], asked.target.provider),
        "output": [item_of(item) for item in made.get("output") or ()],
        "previous_response_id": None,
        "store": False,
        "usage": None if usage is None else usage_member(usage),
        **_ECHOED,
        **echoed,
    }


def item_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item of the output without what is empty; reasoning as OpenAI writes it: as a summary, not as a message."""
    members: dict[str, Any] = _without_nulls(item)
    if members.get("type") != "reasoning":
        return members
    texts = [part.get("text", "") for part in members.pop("content", ())]
    members.pop("role", None)
    members.setdefault("summary", [{"type": "summary_text", "text": text} for text in texts if text])
    return members


def usage_member(usage: Usage) -> dict[str, object]:
    """OpenAI's ``usage`` member of a response."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _said(asked: ProviderRequest, name: str) -> Any:
    raw = asked.call.fields.get(name)
    return None if raw is None else decoded(raw)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {name: _without_nulls(each) for name, each in value.items() if each is not None}
        kept.pop("provider_specific_fields", None)
        return kept
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
