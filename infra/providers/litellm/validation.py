"""Checks of types that LiteLLM assumes; its failures would be attributed to the upstream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class _Type:
    types: tuple[type, ...]
    description: str


_INTEGER = _Type((int,), "an integer")
_NUMBER = _Type((int, float), "a number")
_ARRAY = _Type((list,), "an array")
_OBJECT = _Type((dict,), "an object")
_TYPES: Mapping[str, _Type] = {
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "n", "seed", "top_logprobs"), _INTEGER),
    **dict.fromkeys(("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty"), _NUMBER),
    **dict.fromkeys(("tools", "functions", "modalities", "mcp_servers"), _ARRAY),
    **dict.fromkeys(("response_format", "logit_bias", "thinking", "audio", "web_search_options"), _OBJECT),
    "stop": _Type((str, list), "a string or an array"),
    "tool_choice": _Type((str, dict), "a string or an object"),
    "user": _Type((str,), "a string"),
}


def checked(name: str, value: Any) -> Any:
    """Return the value of a member if LiteLLM accepts its type.

    Raises:
        InvalidRequestError: it has the wrong type.
    """
    if name == "tools" and isinstance(value, list):
        _check_tools(value)
    expected = _TYPES.get(name)
    if value is None or expected is None or (isinstance(value, expected.types) and not isinstance(value, bool)):
        return value
    raise InvalidRequestError(f"'{name}' must be {expected.description}.", param=name, code="invalid_type")


def _check_tools(tools: list[Any]) -> None:
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        named = isinstance(function, dict) and isinstance(function.get("name"), str)
        if not isinstance(tool, dict) or (tool.get("type") == "function" and not named):
            where = f"tools[{index}]"
            raise InvalidRequestError(f"'{where}' must be a tool with a name.", param=where, code="invalid_value")
