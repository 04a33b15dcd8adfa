"""Conversion of LiteLLM's answers to OpenAI's format, without members that LiteLLM adds."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from domain.usage import Usage
from infra.providers.litellm.usage import openai_usage

_PRIVATE = frozenset({"provider_specific_fields"})
_fast_encode = msgspec.json.Encoder().encode


def encode(body: object) -> bytes:
    """Encode as JSON; lone surrogates, which vendors may send as escapes, become U+FFFD."""
    try:
        return _fast_encode(body)
    except UnicodeEncodeError:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


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
                "message": message_of(choice.message),
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
    return encode(body)


def without_private(part: Any) -> dict[str, Any]:
    """Dump a message or a delta without empty members and LiteLLM's own."""
    dumped = part.model_dump(exclude_none=True, exclude=_PRIVATE, warnings=False)
    members: dict[str, Any] = {name: value for name, value in dumped.items() if value != []}
    for tool_call in members.get("tool_calls", ()):
        tool_call.pop("provider_specific_fields", None)
    return members


def message_of(message: Any) -> dict[str, Any]:
    """Dump a whole message; a tool call without arguments has an empty object."""
    members = {"role": "assistant", "content": None, "refusal": None} | without_private(message)
    for tool_call in members.get("tool_calls", ()):
        tool_call.pop("index", None)  # belongs to streams only
        if "function" in tool_call:
            tool_call["function"]["arguments"] = tool_call["function"].get("arguments") or "{}"
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
    return b"data: " + encode(body) + b"\n\n"
