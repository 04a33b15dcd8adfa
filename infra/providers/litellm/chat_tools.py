"""Tools, tool choice and response format of a chat request, where a family of vendors needs them in another form."""

from __future__ import annotations

from typing import Any

from domain.errors import InvalidRequestError
from infra.providers.litellm.chat_messages import refused, with_json_instruction, without_cache_marks
from infra.providers.litellm.families import COHERE, GEMINI, MISTRAL, Family, Handling

_MODES = frozenset({"none", "auto", "required"})


def adapt(arguments: dict[str, Any], family: Family) -> None:
    """Change arguments of ``acompletion`` so that none of them is lost.

    Raises:
        InvalidRequestError: one of them cannot be delivered.
    """
    for name, handling in family.members.items():
        if handling is Handling.NO_EFFECT:
            arguments.pop(name, None)
    _adapt_tools(arguments, family)
    _adapt_choice(arguments, family)
    _adapt_format(arguments, family)
    if family is COHERE and arguments.get("n") not in (None, 1):
        raise refused("n", "more than one choice is not supported")
    audio = arguments.get("audio")
    if family is GEMINI and isinstance(audio, dict) and audio.get("format") != "pcm16":
        raise refused("audio", "audio in another format than 'pcm16' is not supported")


def _adapt_tools(arguments: dict[str, Any], family: Family) -> None:
    tools = arguments.get("tools")
    if not tools:
        return
    for index, tool in enumerate(tools):
        if tool.get("type") == "custom" and family.custom_tools is Handling.REFUSED:
            raise refused(f"tools[{index}]", "tools of type 'custom' are not supported in chat completions")
    if family.cache_control is not Handling.DELIVERED:
        arguments["tools"] = [without_cache_marks(tool) for tool in tools]


def _adapt_choice(arguments: dict[str, Any], family: Family) -> None:
    """Send fewer tools where LiteLLM refuses ``allowed_tools`` or loses a named tool."""
    choice = arguments.get("tool_choice")
    if isinstance(choice, dict):
        allowed, mode = _allowed(choice, named=family in {COHERE, MISTRAL})
        if allowed is not None:
            tools = [tool for tool in arguments.get("tools") or () if _name_of(tool) in allowed]
            if not tools:
                raise InvalidRequestError("'tool_choice' names no tool of 'tools'.", param="tool_choice")
            arguments["tools"], arguments["tool_choice"] = tools, mode
    if family is COHERE and arguments.get("tool_choice") in _MODES:
        mode = arguments.pop("tool_choice")
        if mode != "auto":
            arguments.setdefault("extra_body", {})["tool_choice"] = mode.upper()


def _allowed(choice: dict[str, Any], *, named: bool) -> tuple[set[str] | None, str]:
    """Return the names of the tools that a choice allows, None if it can be delivered as it is, and its mode."""
    if choice.get("type") == "allowed_tools":
        listed = choice.get("allowed_tools")
        tools = listed.get("tools") if isinstance(listed, dict) else None
        mode = listed.get("mode") if isinstance(listed, dict) else None
        if not isinstance(tools, list) or mode not in _MODES:
            raise InvalidRequestError("'tool_choice.allowed_tools' is invalid.", param="tool_choice")
        return {_name_of(tool) for tool in tools}, str(mode)
    if named and choice.get("type") == "function":
        return {_name_of(choice)}, "required"
    return None, ""


def _name_of(tool: Any) -> str:
    function = tool.get("function") or tool.get("custom") if isinstance(tool, dict) else None
    return str(function.get("name")) if isinstance(function, dict) else ""


def _adapt_format(arguments: dict[str, Any], family: Family) -> None:
    wanted = arguments.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object" and family.json_object is Handling.TRANSLATED:
        del arguments["response_format"]
        arguments["messages"] = with_json_instruction(arguments["messages"])
    if family is COHERE and isinstance(wanted, dict):
        del arguments["response_format"]
        schema = (wanted.get("json_schema") or {}).get("schema") if kind == "json_schema" else None
        if kind != "text":
            cohere = {"type": "json_object"} | ({"json_schema": schema} if schema is not None else {})
            arguments.setdefault("extra_body", {})["response_format"] = cohere
