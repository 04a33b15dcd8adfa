"""Tools, tool choice and text format of a response in the form of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidRequestError
from infra.providers.litellm.members import unsupported
from infra.providers.litellm.responses_input import INPUT

_FUNCTION = ("name", "description", "parameters", "strict")
_SCHEMA = ("name", "description", "schema", "strict")


def chat_tools(tools: list[Any]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Convert tools; return functions, and options of web search if that is one of the tools.

    Raises:
        InvalidRequestError: a tool is invalid or is run by OpenAI.
    """
    made: list[dict[str, Any]] = []
    search: dict[str, Any] | None = None
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        kind = tool.get("type") if isinstance(tool, dict) else None
        if not isinstance(kind, str):
            raise InvalidRequestError(f"'{where}' must be a tool with a type.", param=where, code="invalid_value")
        if kind.startswith("web_search"):
            search = _search(tool)
        elif kind not in {"function", "custom"}:
            raise unsupported(where, f"Tools of type '{kind[:40]}' are not supported by this model.")
        elif not isinstance(tool.get("name"), str):
            raise InvalidRequestError(f"'{where}' must be a tool with a name.", param=where, code="invalid_value")
        else:
            function = _custom(tool) if kind == "custom" else {name: tool[name] for name in _FUNCTION if name in tool}
            marks = {"cache_control": tool["cache_control"]} if "cache_control" in tool else {}
            made.append({"type": "function", "function": function} | marks)
    return made, search


def custom_names(tools: Any) -> frozenset[str]:
    """Return the names of custom tools."""
    listed = tools if isinstance(tools, list) else []
    return frozenset(
        str(tool.get("name")) for tool in listed if isinstance(tool, dict) and tool.get("type") == "custom"
    )


def chat_choice(choice: Any) -> Any:
    """Convert a tool choice.

    Raises:
        InvalidRequestError: it chooses a tool that OpenAI runs.
    """
    if not isinstance(choice, Mapping):
        return choice
    kind = choice.get("type")
    if kind in {"function", "custom"}:
        return {"type": "function", "function": {"name": choice.get("name")}}
    if kind == "allowed_tools":
        tools = [chat_choice(tool) for tool in choice.get("tools") or ()]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.get("mode"), "tools": tools}}
    raise unsupported("tool_choice", f"A tool choice of type '{str(kind)[:40]}' is not supported by this model.")


def chat_format(text_format: Any) -> dict[str, Any] | None:
    """Convert the format of the text.

    Raises:
        InvalidRequestError: it is not an object.
    """
    if text_format is None:
        return None
    if not isinstance(text_format, dict):
        raise InvalidRequestError("'text.format' must be an object.", param="text.format", code="invalid_type")
    kind = text_format.get("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": kind}
    if kind != "json_schema":
        raise unsupported("text.format", f"Text formats of type '{str(kind)[:40]}' are not supported by this model.")
    return {"type": kind, "json_schema": {name: text_format[name] for name in _SCHEMA if name in text_format}}


def _custom(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a custom tool to a function with one argument, its grammar to a part of the description."""
    description = str(tool.get("description") or "")
    form = tool.get("format")
    if isinstance(form, dict) and form.get("definition"):
        description += f"\n\nThe input follows this {form.get('syntax', '')} grammar:\n{form['definition']}"
    argument = {"type": "string", "description": "The input of the tool as free text."}
    parameters = {"type": "object", "properties": {INPUT: argument}, "required": [INPUT]}
    return {"name": tool["name"], "description": description.strip(), "parameters": parameters}


def _search(tool: Mapping[str, Any]) -> dict[str, Any]:
    options = {"search_context_size": tool["search_context_size"]} if tool.get("search_context_size") else {}
    location = tool.get("user_location")
    if isinstance(location, dict):
        approximate = {name: value for name, value in location.items() if name != "type"}
        options["user_location"] = {"type": "approximate", "approximate": approximate}
    return options
