"""``/chat/completions`` through LiteLLM, and ``/completions``, which is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from application.ports.providers import Answer
from infra.providers.litellm.answer import answer_body
from infra.providers.litellm.families import family_of
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, always
from infra.providers.litellm.request import OPENAI, Extra, chat_arguments, decoded_members
from infra.providers.litellm.stream import ChatStream
from infra.providers.litellm.usage import usage_of


def steering(request: ProviderRequest) -> dict[str, Any]:
    """Return the arguments that control ``acompletion``, for any call."""
    arguments: dict[str, Any] = {
        "_skip_mcp_handler": True  # tools of type "mcp" are the upstream's business, never LiteLLM's own gateway
    }
    if request.target.extra is Extra.BODY_ONLY:
        arguments["allowed_openai_params"] = sorted(OPENAI)  # the upstream knows best which of them its models take
    return arguments


def arguments_from(request: ProviderRequest, members: Mapping[str, Any]) -> dict[str, Any]:
    """Make the arguments of ``acompletion`` from decoded members of a chat request.

    Raises:
        InvalidRequestError: a member cannot be passed on, or ``messages`` is not a list of messages.
    """
    return steering(request) | chat_arguments(
        members,
        request.defaults,
        stream=request.call.stream,
        extra=request.target.extra,
        family=family_of(request.target.model),
        controls=request.controls,
        free_defaults=request.target.free_defaults,
    )


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    return arguments_from(request, decoded_members(request.call))


def _answer(response: Any, request: ProviderRequest) -> Answer:
    usage = usage_of(getattr(response, "usage", None))
    return Answer(answer_body(response, usage, request.target.provider), b"application/json", usage)


CHAT = EndpointAdapter(always("acompletion"), _arguments, _answer, ChatStream)
