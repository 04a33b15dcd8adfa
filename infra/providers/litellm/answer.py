"""Conversion of LiteLLM's answers to OpenAI's format, without members that LiteLLM adds."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.usage import Usage
from infra.providers.litellm.usage import openai_usage

_encode = msgspec.json.Encoder().encode
_PRIVATE = frozenset({"provider_specific_fields"})


def answer_body(response: Any, usage: Usage | None, prefix: str) -> bytes:
    """Encode a chat completion as JSON.

    Args:
        response: LiteLLM's ``ModelResponse``.
        usage: what the upstream counted.
        prefix: the provider's name, which LiteLLM puts before the names of some models.
    """
    body: dict[str, object] = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created,
        "model": model_name(response.model, prefix),
        "choices": [
            {
                "index": choice.index,
                "message": _message(choice.message),
                "logprobs": logprobs_of(choice),
                "finish_reason": choice.finish_reason,
            }
            for choice in response.choices
        ],
    }
    for name in ("service_tier", "system_fingerprint"):
        value = getattr(response, name, None)
        if value is not None:
            body[name] = value
    if usage is not None:
        body["usage"] = openai_usage(usage)
    return _encode(body)


def without_private(part: Any) -> dict[str, Any]:
    """Dump a message or a delta without empty members and LiteLLM's own."""
    dumped = part.model_dump(exclude_none=True, exclude=_PRIVATE, warnings=False)
    members: dict[str, Any] = {name: value for name, value in dumped.items() if value != []}
    for tool_call in members.get("tool_calls", ()):
        tool_call.pop("provider_specific_fields", None)
    return members


def _message(message: Any) -> dict[str, Any]:
    members = {"role": "assistant", "content": None, "refusal": None} | without_private(message)
    for tool_call in members.get("tool_calls", ()):
        tool_call.pop("index", None)  # belongs to streams only
    return members


def logprobs_of(choice: Any) -> object:
    """Return the log probabilities of a choice in plain containers."""
    logprobs = getattr(choice, "logprobs", None)
    if logprobs is None or isinstance(logprobs, dict):
        return logprobs
    return logprobs.model_dump(warnings=False)


def model_name(name: str | None, prefix: str) -> str:
    """Return the upstream's name of the model, without LiteLLM's provider prefix."""
    return (name or "").removeprefix(f"{prefix}/")


def event(body: dict[str, object]) -> bytes:
    """Encode a server-sent event."""
    return b"data: " + _encode(body) + b"\n\n"
