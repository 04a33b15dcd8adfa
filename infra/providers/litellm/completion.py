"""The legacy ``/completions`` through LiteLLM: a chat completion whose only message is the prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from application.ports.providers import Answer
from domain.errors import InvalidRequestError
from infra.providers.litellm.answer import encode, model_name
from infra.providers.litellm.chat import CHAT
from infra.providers.litellm.members import unsupported
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest
from infra.providers.litellm.request import decoded
from infra.providers.litellm.stream import ChatStream
from infra.providers.litellm.usage import openai_usage, usage_of

_REFUSED = {
    "suffix": "This model completes text at its end only: leave 'suffix' out.",
    "logprobs": "This model reports no log probabilities of completions.",
}
_CHAT_ONLY = frozenset({"messages", "tools", "tool_choice", "functions", "function_call", "modalities", "audio"})


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    fields = dict(request.call.fields)
    for name in _CHAT_ONLY & fields.keys():
        raise InvalidRequestError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    for name, message in _REFUSED.items():
        if decoded(fields.pop(name, b"null")) not in (None, ""):
            raise unsupported(name, message)
    if decoded(fields.pop("best_of", b"null")) not in (None, 1):
        raise unsupported("best_of")
    if decoded(fields.pop("echo", b"null")) not in (None, False):
        raise unsupported("echo")
    prompt = _prompt(decoded(fields.pop("prompt", b"null")))
    fields["messages"] = encode([{"role": "user", "content": prompt}])
    return CHAT.arguments(replace(request, call=replace(request.call, fields=fields)))


def _prompt(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        raise unsupported("prompt", "This model completes one prompt at a time.")
    if isinstance(value, list) and value and all(isinstance(each, int | list) for each in value):
        raise unsupported("prompt", "'prompt' must be text: this model does not take arrays of tokens.")
    raise InvalidRequestError("'prompt' must be a non-empty string.", param="prompt")


def _answer(response: Any, request: ProviderRequest) -> Answer:
    usage = usage_of(getattr(response, "usage", None))
    body: dict[str, object] = {
        "id": response.id,
        "object": "text_completion",
        "created": response.created,
        "model": model_name(response.model, request.target.provider),
        "choices": [
            {
                "text": choice.message.content or "",
                "index": choice.index,
                "logprobs": None,
                "finish_reason": choice.finish_reason,
            }
            for choice in response.choices
        ],
    }
    if usage is not None:
        body["usage"] = openai_usage(usage)
    return Answer(encode(body), b"application/json", usage)


class CompletionStream(ChatStream):
    """Streamed legacy completion."""

    kind = "text_completion"

    def _block(self, choices: list[dict[str, Any]]) -> bytes | None:
        texts: list[dict[str, Any]] = [
            {
                "text": choice["delta"].get("content") or "",
                "index": choice["index"],
                "logprobs": None,
                "finish_reason": choice["finish_reason"],
            }
            for choice in choices
            if choice["delta"].get("content") or choice["finish_reason"] is not None
        ]
        return super()._block(texts) if texts else None


COMPLETION = EndpointAdapter(CHAT.function, _arguments, _answer, CompletionStream)
