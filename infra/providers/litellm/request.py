"""Conversion of a call's JSON members to LiteLLM's arguments, so that no caller can control LiteLLM itself.

``litellm.acompletion`` takes members of the request and its own controls (addresses, keys, callbacks, mock answers) as
the same kind of arguments. Therefore only the names listed here become arguments. Everything else is either sent in
``extra_body``, which LiteLLM merges into the upstream's body unread, or refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import msgspec

from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from domain.errors import BodyNotJsonError, InvalidRequestError
from infra.providers.litellm.chat_messages import lacks_thinking, prepared
from infra.providers.litellm.chat_tools import adapt
from infra.providers.litellm.families import CLAUDE, OPENAI_FORMAT, Family
from infra.providers.litellm.validation import checked

OPENAI = frozenset(
    {
        "messages",
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
"""Members of OpenAI's chat request that LiteLLM translates for each vendor."""

VENDORS = frozenset(
    {
        "thinking",  # Anthropic, Gemini
        "top_k",  # Anthropic, Gemini, Cohere
        "safety_settings",  # Gemini
        "cache_control",  # Anthropic, from here on
        "container",
        "context_management",
        "inference_geo",
        "mcp_servers",
        "output_config",
        "speed",
    }
)
"""Further members that vendors document and that LiteLLM passes on under the same name."""

_OURS = frozenset({"model", "stream", "stream_options"})
_CONTROL_PREFIXES = ("litellm_", "_", "vertex_", "aws_", "azure_", "mock_", "langfuse_", "anthropic_", "openai_")
# Refused even if LiteLLM's own lists did not name them.
_CONTROLS = frozenset(
    {
        "additional_drop_params",
        "api_base",
        "api_key",
        "base_url",
        "callbacks",
        "client",
        "custom_llm_provider",
        "default_headers",
        "drop_params",
        "extra_body",
        "extra_headers",
        "extra_query",
        "failure_callback",
        "fallbacks",
        "headers",
        "input_callback",
        "is_vertex_request",
        "organization",
        "success_callback",
        "timeout",
        "vertexai_credentials",
    }
)
# An OpenAI feature (tags of stored completions) under a name that means callbacks and budgets to LiteLLM.
_IGNORED = frozenset({"metadata"})


_THINKING = ("reasoning_effort", "thinking")


class Extra(Enum):
    """Handling of members that LiteLLM does not translate."""

    BODY = auto()
    """Sent in ``extra_body``."""
    BODY_ONLY = auto()
    """Sent in ``extra_body``, vendors' members as well: LiteLLM passes its arguments to OpenAI's client."""
    REFUSED = auto()
    """Refused: the upstream does not accept unknown members."""


def decoded_members(call: Call) -> dict[str, Any]:
    """Decode the members of a chat request, without those that the proxy itself reads.

    Raises:
        BodyNotJsonError: a member is not valid JSON.
    """
    return {name: decoded(raw) for name, raw in call.fields.items() if name not in _OURS and name not in _IGNORED}


def chat_arguments(
    members: Mapping[str, Any],
    defaults: Mapping[str, object],
    *,
    stream: bool,
    extra: Extra,
    family: Family = OPENAI_FORMAT,
    controls: frozenset[str] = frozenset(),
    free_defaults: bool = False,
) -> dict[str, Any]:
    """Make the arguments of ``acompletion`` from a chat request and the document's defaults.

    Model and connection are not among them.

    Args:
        members: of the request, decoded.
        defaults: the document's, used where the caller sends no value.
        stream: the answer is streamed.
        extra: handling of members that LiteLLM does not translate.
        family: vendors that LiteLLM makes this request for.
        controls: names that control LiteLLM.
        free_defaults: the defaults may control LiteLLM itself (its region, for example).

    Raises:
        InvalidRequestError: a member cannot be passed on, or ``messages`` is not a list of messages.
    """
    arguments: dict[str, Any] = {}
    beside: dict[str, Any] = {}
    direct = OPENAI if extra is Extra.BODY_ONLY else OPENAI | VENDORS
    for name, value in members.items():
        refused = extra is Extra.REFUSED and name not in direct
        if refused or is_control(name, controls) or imitates_a_member(name):
            raise InvalidRequestError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        (arguments if name in direct else beside)[name] = checked(name, value)
    arguments["messages"] = prepared(arguments.get("messages"), family)
    for name, value in _open(members, defaults).items():
        place = arguments if free_defaults or name in direct or extra is Extra.REFUSED else beside
        place[name] = value
    if beside:
        arguments["extra_body"] = beside
    adapt(arguments, family)
    if family is CLAUDE and lacks_thinking(arguments["messages"]):
        for name in _THINKING:
            arguments.pop(name, None)
    if stream:
        arguments["stream"] = True
        arguments["stream_options"] = {"include_usage": True}
    return arguments


def _open(members: Mapping[str, Any], defaults: Mapping[str, object]) -> dict[str, object]:
    """Return the defaults for what the caller left open; never a second output limit beside the caller's."""
    sent = members.keys() | _OURS
    return {name: value for name, value in defaults.items() if name not in sent and OTHER_NAME.get(name) not in sent}


def is_control(name: str, controls: frozenset[str]) -> bool:
    """Return whether a member of a body would control LiteLLM itself."""
    if name in OPENAI or name in VENDORS or name in _IGNORED:
        return False
    return name in controls or name in _CONTROLS or name.startswith(_CONTROL_PREFIXES)


def imitates_a_member(name: str) -> bool:
    """Return whether the upstream might read an unknown member as a known one, or as a choice of model."""
    if name in OPENAI or name in VENDORS or name in _OURS or name in _IGNORED:
        return False
    return _spelling(name) in _SPELLINGS


def _spelling(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


_ELSEWHERE = ("models", "preset", "provider", "route", "plugins", "engine", "deployment", "fallbacks", "contents")
_GOOGLE = ("system_instruction", "tool_config", "cached_content", "function_declarations")
_SPELLINGS = frozenset(_spelling(name) for name in (*OPENAI, *VENDORS, *_OURS, *_IGNORED, *_ELSEWHERE, *_GOOGLE))


def decoded(raw: bytes) -> Any:
    """Decode the value of a member.

    Raises:
        BodyNotJsonError: it is not valid JSON.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyNotJsonError("The body of the request is not valid JSON.") from error
