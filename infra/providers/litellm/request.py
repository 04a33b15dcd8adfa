"""From a call's JSON members to LiteLLM's arguments, so that no caller can steer LiteLLM itself.

``litellm.acompletion`` takes members of the request and its own controls (addresses, keys, callbacks, canned answers)
through one door. Therefore only the names listed here become arguments. Everything else either travels in
``extra_body``, which LiteLLM merges into the upstream's body without looking at it, or is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import msgspec

from domain.call import Call
from domain.documents.request_defaults import OTHER_NAME
from domain.errors import BodyNotJsonError, InvalidRequestError
from infra.providers.litellm.validation import check_messages, checked

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
"""Members that vendors document on top and that LiteLLM hands on under the same name."""

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


class Extra(Enum):
    """What becomes of members that LiteLLM does not translate."""

    BODY = auto()
    """They travel in ``extra_body``."""
    BODY_ONLY = auto()
    """The same, and vendors' members go that way too: LiteLLM hands its arguments to OpenAI's client."""
    REFUSED = auto()
    """This upstream's way has no such place, and it refuses unknown members itself."""


def arguments_of(
    call: Call,
    defaults: Mapping[str, object],
    *,
    extra: Extra,
    controls: frozenset[str] = frozenset(),
    free_defaults: bool = False,
) -> dict[str, Any]:
    """Arguments of ``acompletion`` for what the caller sent and the operator set; without model and connection.

    Args:
        call: the call.
        defaults: the document's, used where the caller says nothing.
        extra: what becomes of members that LiteLLM does not translate.
        controls: names by which LiteLLM is steered.
        free_defaults: the operator's defaults may steer LiteLLM itself (a region, say).

    Raises:
        InvalidRequestError: a member that cannot be passed on, or ``messages`` is no list of objects.
        BodyNotJsonError: a member is no valid JSON.
    """
    arguments: dict[str, Any] = {}
    beside: dict[str, Any] = {}
    direct = OPENAI if extra is Extra.BODY_ONLY else OPENAI | VENDORS
    for name, raw in call.fields.items():
        if name in _OURS or name in _IGNORED:
            continue
        if is_control(name, controls) or (extra is Extra.REFUSED and name not in direct):
            raise InvalidRequestError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
        (arguments if name in direct else beside)[name] = checked(name, _decoded(raw))
    check_messages(arguments.get("messages"))
    for name, value in _open(call, defaults).items():
        place = arguments if free_defaults or name in direct or extra is Extra.REFUSED else beside
        place[name] = value
    if beside:
        arguments["extra_body"] = beside
    if call.stream:
        arguments["stream"] = True
        arguments["stream_options"] = {"include_usage": True}
    return arguments


def _open(call: Call, defaults: Mapping[str, object]) -> dict[str, object]:
    """The defaults for what the caller left open; never a second ceiling beside the caller's."""
    said = call.fields.keys() | _OURS
    return {name: value for name, value in defaults.items() if name not in said and OTHER_NAME.get(name) not in said}


def is_control(name: str, controls: frozenset[str]) -> bool:
    """Whether a member of a body would mean something to LiteLLM itself rather than to the upstream."""
    if name in OPENAI or name in VENDORS or name in _IGNORED:
        return False
    return name in controls or name in _CONTROLS or name.startswith(_CONTROL_PREFIXES)


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyNotJsonError("The body of the request is not valid JSON.") from error
