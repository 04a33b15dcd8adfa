"""The ``response`` object of OpenAI's Responses API, made from an answer and the caller's request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from domain.usage import Usage
from infra.providers.litellm.answer import model_name
from infra.providers.litellm.operation import ProviderRequest
from infra.providers.litellm.request import decoded

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


_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def new_id() -> str:
    """Make the id of a response."""
    return f"resp_{uuid4().hex}"


def response_body(
    request: ProviderRequest, made: Mapping[str, Any], response_id: str, usage: Usage | None = None
) -> dict[str, object]:
    """Make the object.

    Args:
        request: the call.
        made: what the upstream decided.
        response_id: its id.
        usage: the upstream's.
    """
    echoed = {name: value for name in _ECHOED if (value := _sent(request, name)) is not None}
    return {
        "id": response_id,
        "object": "response",
        "created_at": made["created_at"],
        "status": made["status"],
        "background": False,
        "error": None,
        "incomplete_details": made["incomplete_details"],
        "model": model_name(made["model"], request.target.provider),
        "output": made["output"],
        "previous_response_id": None,
        "store": False,
        "usage": None if usage is None else usage_member(usage),
        **_ECHOED,
        **echoed,
    }


def outcome(finish_reason: str | None) -> tuple[str, dict[str, str] | None]:
    """Return the status of a response and its ``incomplete_details``."""
    reason = _INCOMPLETE.get(finish_reason or "")
    return ("completed", None) if reason is None else ("incomplete", {"reason": reason})


def usage_member(usage: Usage) -> dict[str, object]:
    """Make the ``usage`` member of a response."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _sent(request: ProviderRequest, name: str) -> Any:
    raw = request.call.fields.get(name)
    return None if raw is None else decoded(raw)
