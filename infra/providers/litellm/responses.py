"""``/responses`` through LiteLLM's bridge to chat completions, for upstreams without a Responses API.

Nothing is stored, so requests that refer to something stored are refused, and so are tools that OpenAI runs itself.
"""

from __future__ import annotations

from typing import Any

from application.ports.providers import Answer
from domain.errors import InvalidRequestError
from infra.providers.litellm.chat import steering
from infra.providers.litellm.loader import BRIDGE
from infra.providers.litellm.members import decoded, unknown, unsupported
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, always
from infra.providers.litellm.request import OPENAI, VENDORS
from infra.providers.litellm.response_events import ResponseStream
from infra.providers.litellm.response_shape import encode, new_id, response_body
from infra.providers.litellm.usage import usage_of

_BRIDGED = frozenset(
    {
        "instructions",
        "max_output_tokens",
        "parallel_tool_calls",
        "reasoning",
        "safety_identifier",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)
"""Members that the bridge translates."""
_WITHOUT_EFFECT = frozenset(
    {
        "include",
        "max_tool_calls",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "truncation",
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
_TOOLS = frozenset({"function", "custom", "web_search", "web_search_preview"})
_OTHER_NAME = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}


def _arguments(request: ProviderRequest) -> dict[str, Any]:
    bridged: dict[str, Any] = {}
    for name, raw in request.call.fields.items():
        value = decoded(raw)
        if name in _REFUSED and value not in (None, False):
            raise unsupported(name, _REFUSED[name])
        if name in _BRIDGED and value is not None:
            bridged[name] = _checked(name, value)
        elif name not in _BRIDGED | _WITHOUT_EFFECT | _REFUSED.keys() | {"model", "input"}:
            raise unknown(name)
    arguments = steering(request)
    _fill(request, bridged, arguments)
    arguments["input"] = _input(decoded(request.call.fields.get("input", b"null")))
    arguments["responses_api_request"] = bridged
    arguments["stream"] = request.call.stream
    return arguments


def _fill(request: ProviderRequest, bridged: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Add the document's defaults, which use the names of chat completions."""
    for name, value in request.defaults.items():
        other_name = _OTHER_NAME.get(name, name)
        if other_name in _BRIDGED:
            bridged.setdefault(other_name, value)
        elif name in OPENAI | VENDORS or request.target.free_defaults:
            arguments[name] = value
        else:
            arguments.setdefault("extra_body", {})[name] = value


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


def _checked(name: str, value: Any) -> Any:
    wanted = _TYPES.get(name)
    if wanted is not None and (not isinstance(value, wanted[0]) or isinstance(value, bool)):
        raise InvalidRequestError(f"'{name}' must be {wanted[1]}.", param=name, code="invalid_type")
    if name == "text" and not isinstance(value.get("format") or {}, dict):
        raise InvalidRequestError("'text.format' must be an object.", param="text.format", code="invalid_type")
    if name == "tools":
        for index, tool in enumerate(value):
            _check_tool(f"tools[{index}]", tool)
    return value


def _check_tool(where: str, tool: Any) -> None:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if not isinstance(kind, str):
        raise InvalidRequestError(f"'{where}' must be a tool with a type.", param=where, code="invalid_value")
    if kind not in _TOOLS and not kind.startswith("web_search"):
        raise unsupported(where, f"Tools of type '{kind}' are not supported by this model.")
    if kind in {"function", "custom"} and not isinstance(tool.get("name"), str):
        raise InvalidRequestError(f"'{where}' must be a tool with a name.", param=where, code="invalid_value")


def _input(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        raise InvalidRequestError("'input' must be a string or a non-empty array of items.", param="input")
    for index, item in enumerate(value):
        fault = _fault(item)
        if fault is not None:
            where = f"input[{index}]"
            raise InvalidRequestError(f"'{where}' {fault}.", param=where, code="invalid_value")
    return value


def _fault(item: Any) -> str | None:
    if not isinstance(item, dict):
        return "must be an object"
    kind = item.get("type", "message")
    if kind == "item_reference":
        return "refers to an item, but this model keeps none"
    content = item.get("content")
    if kind == "message":
        parts = content if isinstance(content, list) else []
        if not isinstance(item.get("role"), str):
            return "must have a 'role'"
        if not isinstance(content, str | list) or not all(isinstance(part, dict) for part in parts):
            return "must have a 'content' that is a string or an array of objects"
    if kind in {"function_call", "function_call_output"} and not isinstance(item.get("call_id"), str):
        return "must have a 'call_id'"
    return None


def _answer(response: Any, request: ProviderRequest) -> Answer:
    usage = usage_of(_as_chat(response.usage))
    body = response_body(request, response.model_dump(warnings=False), new_id(), usage)
    return Answer(encode(body), b"application/json", usage)


def _as_chat(usage: Any) -> dict[str, Any] | None:
    """Convert the bridge's usage to the names of chat completions."""
    if usage is None:
        return None
    reported = usage.model_dump(exclude_none=True, warnings=False)
    sent = reported.get("input_tokens_details") or {}
    return {
        "prompt_tokens": reported.get("input_tokens"),
        "completion_tokens": reported.get("output_tokens"),
        "prompt_tokens_details": sent | {"cache_creation_tokens": sent.get("cache_write_tokens")},
        "completion_tokens_details": reported.get("output_tokens_details"),
    }


RESPONSES = EndpointAdapter(always(BRIDGE), _arguments, _answer, ResponseStream)
