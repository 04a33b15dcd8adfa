"""``/chat/completions`` through LiteLLM, and ``/completions``, which is made of it."""

from __future__ import annotations

from typing import Any

from application.ports.providers import Answer
from infra.providers.litellm.answer import answer_body
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, always
from infra.providers.litellm.request import OPENAI, Extra, arguments_of
from infra.providers.litellm.stream import ChatStream
from infra.providers.litellm.usage import usage_of


def steering(request: ProviderRequest) -> dict[str, Any]:
    """Arguments of every call of ``acompletion``."""
    arguments: dict[str, Any] = {
        "_skip_mcp_handler": True  # tools of type "mcp" are the upstream's business, never LiteLLM's own gateway
    }
    if request.target.extra is Extra.BODY_ONLY:
        arguments["allowed_openai_params"] = sorted(OPENAI)  # the upstream knows best which of them its models take
    return arguments


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    return steering(request) | arguments_of(
        request.call,
        request.defaults,
        extra=request.target.extra,
        controls=request.controls,
        free_defaults=request.target.free_defaults,
    )


def _answer(response: Any, request: ProviderRequest) -> Answer:
    usage = usage_of(getattr(response, "usage", None))
    return Answer(answer_body(response, usage, request.target.provider), b"application/json", usage)


CHAT = EndpointAdapter(always("acompletion"), _arguments, _answer, ChatStream)
