"""``/responses`` made from chat completions, for upstreams without a Responses API.

Nothing is stored, so requests that refer to something stored are refused, and so are tools that OpenAI runs itself.
"""

from __future__ import annotations

from typing import Any

from application.ports.providers import Answer
from domain.errors import InvalidRequestError
from infra.providers.litellm.answer import encode
from infra.providers.litellm.chat import arguments_from
from infra.providers.litellm.families import family_of
from infra.providers.litellm.members import unknown, unsupported
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, always
from infra.providers.litellm.request import decoded
from infra.providers.litellm.response_events import ResponseStream
from infra.providers.litellm.response_items import output_of, wants_encrypted
from infra.providers.litellm.response_shape import new_id, outcome, response_body
from infra.providers.litellm.responses_input import messages_of
from infra.providers.litellm.responses_tools import chat_choice, chat_format, chat_tools
from infra.providers.litellm.usage import usage_of

_SAME = frozenset({"parallel_tool_calls", "temperature", "top_p", "user"})
"""Members with the same name and meaning in chat completions."""
_TRANSLATED = frozenset({"instructions", "input", "max_output_tokens", "reasoning", "text", "tool_choice", "tools"})
WITHOUT_EFFECT = frozenset(
    {
        "include",
        "max_tool_calls",
        "metadata",
        "model",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
    }
)
"""Members without effect on the text of an answer."""
_REFUSED = {
    "background": "This model does not run in the background: omit 'background'.",
    "conversation": "This model keeps no conversations: send the earlier items in 'input'.",
    "previous_response_id": "This model keeps no responses: send the earlier items in 'input'.",
    "prompt": "This model has no stored prompts.",
    "top_logprobs": "This model reports no log probabilities in responses.",
}
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "instructions": (str, "a string"),
    "max_output_tokens": (int, "an integer"),
    "reasoning": (dict, "an object"),
    "temperature": ((int, float), "a number"),
    "text": (dict, "an object"),
    "tool_choice": ((str, dict), "a string or an object"),
    "tools": (list, "an array"),
    "top_p": ((int, float), "a number"),
    "user": (str, "a string"),
}


_NAMES = {
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning",
    "response_format": "text",
    "verbosity": "text",
    "web_search_options": "tools",
}
"""Members by the names of chat completions, which LiteLLM's errors mention."""


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, raw in request.call.fields.items():
        value = decoded(raw)
        if name in _REFUSED and value not in (None, False):
            raise unsupported(name, _REFUSED[name])
        if name == "truncation" and value not in (None, "disabled"):
            raise unsupported(name, "This model does not shorten its input: omit 'truncation'.")
        if name in _SAME | _TRANSLATED:
            members[name] = _checked(name, value)
        elif name not in WITHOUT_EFFECT and name not in _REFUSED and name != "truncation":
            raise unknown(name)
    return arguments_from(request, _chat_members(members, request))


def _checked(name: str, value: Any) -> Any:
    expected = _TYPES.get(name)
    if expected is None or value is None or (isinstance(value, expected[0]) and not isinstance(value, bool)):
        return value
    raise InvalidRequestError(f"'{name}' must be {expected[1]}.", param=name, code="invalid_type")


def _chat_members(members: dict[str, Any], request: ProviderRequest) -> dict[str, Any]:
    family = family_of(request.target.model)
    text, reasoning = members.get("text") or {}, members.get("reasoning") or {}
    tools, search = chat_tools(members.get("tools") or [])
    made = {name: members.get(name) for name in _SAME} | {
        "max_tokens": members.get("max_output_tokens"),
        "messages": messages_of(members.get("instructions"), members.get("input"), family),
        "reasoning_effort": reasoning.get("effort"),
        "response_format": chat_format(text.get("format")),
        "tool_choice": chat_choice(members.get("tool_choice")),
        "tools": tools or None,
        "verbosity": text.get("verbosity"),
        "web_search_options": search,
    }
    return {name: value for name, value in made.items() if value is not None}


def _answer(response: Any, request: ProviderRequest) -> Answer:
    usage = usage_of(getattr(response, "usage", None))
    choice = response.choices[0]
    status, incomplete = outcome(choice.finish_reason)
    made = {
        "created_at": response.created,
        "status": status,
        "incomplete_details": incomplete,
        "model": response.model,
        "output": output_of(choice, request, encrypt=wants_encrypted(request)),
    }
    return Answer(encode(response_body(request, made, new_id(), usage)), b"application/json", usage)


RESPONSES = EndpointAdapter(always("acompletion"), _arguments, _answer, ResponseStream, _NAMES)
