"""Tools (functions and custom tools) and legacy functions: validation, and the calls in an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from infra.simulator.checks import expect, missing, one_of, wrong
from infra.simulator.json_instance import instance

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


_CUSTOM_INPUT = "Some input, as text."


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool in an answer.

    Args:
        id: of the call; empty until it is known.
        name: of the tool.
        arguments: JSON text valid for the tool's schema, or the input of a custom tool.
        custom: the tool is a custom tool, whose input is any text.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False

    @property
    def characters(self) -> int:
        """Output of the model: name and arguments."""
        return len(self.name) + len(self.arguments)


def check_tools(body: Mapping[str, Any]) -> None:
    """Check ``tools``, ``tool_choice``, ``functions`` and ``function_call``.

    Raises:
        SimulatedError: 400 with ``param`` such as ``tools[0].function.name``.
    """
    tools, functions = body.get("tools"), body.get("functions")
    if tools is not None:
        expect(tools, list, "tools", "an array of objects")
        for index, tool in enumerate(tools):
            expect(tool, dict, f"tools[{index}]", "an object")
            if tool.get("type") is None:
                raise missing(f"tools[{index}].type")
            one_of(tool["type"], ("function", "custom"), f"tools[{index}].type")
            _check_function(tool.get(tool["type"]), f"tools[{index}].{tool['type']}")
    if functions is not None:
        expect(functions, list, "functions", "an array of objects")
        if not functions:
            message = "Invalid 'functions': empty array. Expected an array with minimum length 1."
            raise wrong(message, "functions", "empty_array")
        for index, function in enumerate(functions):
            _check_function(function, f"functions[{index}]")
    _check_choice(body, tools)


def _check_function(function: object, at: str) -> None:
    if function is None:
        raise missing(at)
    expect(function, dict, at, "an object")
    if not isinstance(function, dict):
        return
    if function.get("name") is None:
        raise missing(f"{at}.name")
    expect(function["name"], str, f"{at}.name", "a string")
    if not _NAME.fullmatch(function["name"]):
        message = (
            f"Invalid '{at}.name': string does not match pattern. Expected a string that matches '^[a-zA-Z0-9_-]+$'."
        )
        raise wrong(message, f"{at}.name", "invalid_value")
    if function.get("parameters") is not None:
        expect(function["parameters"], dict, f"{at}.parameters", "an object")


def _check_choice(body: Mapping[str, Any], tools: list[Any] | None) -> None:
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not tools:
            raise wrong(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", name)
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict):
        one_of(choice, ("none", "auto", "required"), "tool_choice")
        return
    one_of(choice.get("type", "function"), ("function", "custom", "allowed_tools"), "tool_choice.type")
    if choice.get("type") == "allowed_tools":
        _check_allowed(choice.get("allowed_tools"))
    elif _forced(body) not in {None, *_definitions(body)}:
        message = f"Invalid value for 'tool_choice': '{_forced(body)}' is not among the tools."
        raise wrong(message, "tool_choice", "invalid_value")


def _check_allowed(allowed: object) -> None:
    at = "tool_choice.allowed_tools"
    expect(allowed, dict, at, "an object")
    if isinstance(allowed, dict):
        one_of(allowed.get("mode"), ("auto", "required"), f"{at}.mode")
        expect(allowed.get("tools"), list, f"{at}.tools", "an array of objects")
        for index, tool in enumerate(allowed["tools"]):
            expect(tool, dict, f"{at}.tools[{index}]", "an object")
            one_of(tool.get("type"), ("function", "custom"), f"{at}.tools[{index}].type")
            _check_function(tool.get(tool["type"]), f"{at}.tools[{index}].{tool['type']}")


def calls_for(body: Mapping[str, Any], asked: str) -> tuple[ToolCall, ...]:
    """Return the calls in each answer, without ids; empty if the answer is text.

    A tool is called if the last message is the user's and contains its name, or if ``tool_choice`` requires it.

    Args:
        body: a valid request.
        asked: the text of the last user message.

    Raises:
        SimulatedError: 400, no value matches the schema of a tool.
    """
    known = _definitions(body)
    if not known:
        return ()
    return tuple(_call(name, known[name]) for name in _chosen(body, list(known), asked))


def _call(name: str, tool: Mapping[str, Any]) -> ToolCall:
    if tool.get("type") == "custom":
        return ToolCall("", name, _CUSTOM_INPUT, custom=True)
    value = instance(tool["function"].get("parameters") or {"type": "object"}, "tools")
    return ToolCall("", name, msgspec.json.encode(value).decode())


def finish_reason(body: Mapping[str, Any]) -> str:
    """Return the finish reason of an answer that calls tools; ``stop`` if the request names the function to call."""
    if body.get("functions"):
        return "function_call"
    return "tool_calls" if _forced(body) is None else "stop"


def _definitions(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    tools = body.get("tools") or [{"type": "function", "function": each} for each in body.get("functions") or ()]
    return {tool[tool["type"]]["name"]: tool for tool in tools}


def _forced(body: Mapping[str, Any]) -> str | None:
    """Return the function that the request requires by name."""
    choice = body.get("tool_choice")
    choice = choice.get(choice.get("type", "function")) if isinstance(choice, dict) else body.get("function_call")
    return choice.get("name") if isinstance(choice, dict) else None


def _chosen(body: Mapping[str, Any], names: list[str], asked: str) -> list[str]:
    choice = body.get("tool_choice") or body.get("function_call") or "auto"
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools") or {}
        choice = allowed.get("mode") or "auto"
        listed = {tool[tool["type"]]["name"] for tool in allowed.get("tools") or ()}
        names = [name for name in names if name in listed]
    if choice == "none":
        return []
    forced = _forced(body)
    if forced is not None:
        return [forced] if forced in names else []
    if choice != "required" and body["messages"][-1]["role"] != "user":
        return []  # the last message is the result of a tool: answer with text
    mentioned = [name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", asked)]
    if choice == "required" and not mentioned:
        mentioned = names[:1]
    one = body.get("parallel_tool_calls") is False or bool(body.get("functions"))
    return mentioned[:1] if one else mentioned
