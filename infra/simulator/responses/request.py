"""Validation of requests for responses: a reasonable part of OpenAI's rules. Unknown members are accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.simulator.chat_request import EFFORTS
from infra.simulator.checks import check_model, expect, missing, number, one_of, wrong

_BOOLEANS = ("stream", "store", "background", "parallel_tool_calls")
_OBJECTS = ("text", "reasoning", "metadata", "stream_options", "prompt")
_TEXTS = ("instructions", "previous_response_id", "user", "safety_identifier", "prompt_cache_key", "service_tier")
_INPUTS = ("input", "prompt", "conversation", "previous_response_id")
_FORMATS = ("text", "json_object", "json_schema")
_SUMMARIES = ("auto", "concise", "detailed")
_CHOICES = ("none", "auto", "required")
_INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)


def validate(body: Mapping[str, Any]) -> None:
    """Check everything but the items of the input.

    Raises:
        SimulatedError: 400 with the first error.
    """
    check_model(body)
    if all(body.get(name) is None for name in _INPUTS):
        raise missing("input")
    number(body, "temperature", 0, 2)
    number(body, "top_p", 0, 1)
    number(body, "max_output_tokens", 1, None, whole=True)
    number(body, "max_tool_calls", 1, None, whole=True)
    number(body, "top_logprobs", 0, 20, whole=True)
    for names, kind, word in ((_BOOLEANS, bool, "a boolean"), (_OBJECTS, dict, "an object"), (_TEXTS, str, "a string")):
        for name in names:
            if body.get(name) is not None:
                expect(body[name], kind, name, word)
    if body.get("truncation") is not None:
        one_of(body["truncation"], ("auto", "disabled"), "truncation")
    if body.get("include") is not None:
        expect(body["include"], list, "include", "an array of strings")
        for at, each in enumerate(body["include"]):
            one_of(each, _INCLUDABLE, f"include[{at}]")
    _check_together(body)
    _check_reasoning(body.get("reasoning") or {})
    _check_format((body.get("text") or {}).get("format"))
    _check_tools(body)


def _check_together(body: Mapping[str, Any]) -> None:
    if body.get("background") and body.get("store") is False:
        raise wrong("Background responses must be stored: 'store' must be true.", "background")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise wrong("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    if body.get("conversation") is not None:
        if body.get("previous_response_id") is not None:
            message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'."
            raise wrong(message, "previous_response_id", "mutually_exclusive_parameters")
        if not isinstance(body["conversation"], str | dict):
            expect(body["conversation"], str, "conversation", "one of a string or an object")


def _check_reasoning(reasoning: Mapping[str, Any]) -> None:
    if reasoning.get("effort") is not None:
        one_of(reasoning["effort"], tuple(EFFORTS), "reasoning.effort")
    for name in ("summary", "generate_summary"):
        if reasoning.get(name) is not None:
            one_of(reasoning[name], _SUMMARIES, f"reasoning.{name}")


def _check_format(wanted: Any) -> None:
    if wanted is None:
        return
    expect(wanted, dict, "text.format", "an object")
    if wanted.get("type") is None:
        raise missing("text.format.type")
    one_of(wanted["type"], _FORMATS, "text.format.type")
    if wanted["type"] == "json_schema":
        for name, kind, word in (("name", str, "a string"), ("schema", dict, "an object")):
            if wanted.get(name) is None:
                raise missing(f"text.format.{name}")
            expect(wanted[name], kind, f"text.format.{name}", word)


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = body.get("tools")
    if tools is not None:
        expect(tools, list, "tools", "an array of objects")
        for at, tool in enumerate(tools):
            expect(tool, dict, f"tools[{at}]", "an object")
            if tool.get("type") is None:
                raise missing(f"tools[{at}].type")
            expect(tool["type"], str, f"tools[{at}].type", "a string")
            if tool["type"] not in {"function", "custom"}:
                continue  # the simulator never uses tools that run at the provider
            if tool.get("name") is None:
                raise missing(f"tools[{at}].name")
            expect(tool["name"], str, f"tools[{at}].name", "a string")
            if tool.get("parameters") is not None:
                expect(tool["parameters"], dict, f"tools[{at}].parameters", "an object")
    choice = body.get("tool_choice")
    if choice is not None:
        _check_choice(choice, tools or [])


def _check_choice(choice: Any, tools: list[Mapping[str, Any]]) -> None:
    if not isinstance(choice, dict):
        one_of(choice, _CHOICES, "tool_choice")
    elif choice.get("type") is None:
        raise missing("tool_choice.type")
    elif choice["type"] in {"function", "custom"} and choice.get("name") not in {tool.get("name") for tool in tools}:
        raise wrong(f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.", "tool_choice")
