"""Tool calls of simulated responses."""

import json
from typing import Any

import pytest

from infra.simulator.chat import Choice, complete

WEATHER = {
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
        "required": ["city", "unit"],
    },
}
TIME = {"name": "get_time"}
TOOLS = [{"type": "function", "function": each} for each in (WEATHER, TIME)]


def answer(text: str, *more: dict[str, Any], **members: Any) -> Choice:
    messages = [{"role": "user", "content": text}, *more]
    return complete({"model": "m", "messages": messages, "tools": TOOLS, **members}).choices[0]


def called(choice: Choice) -> list[str]:
    return [call.name for call in choice.calls]


def test_a_mentioned_tool_is_called_with_valid_arguments() -> None:
    choice = answer("please get_weather now")
    assert choice.content is None
    assert choice.finish_reason == "tool_calls"
    assert called(choice) == ["get_weather"]
    assert json.loads(choice.calls[0].arguments) == {"city": "text", "unit": "celsius"}
    assert choice.characters == len("get_weather") + len(choice.calls[0].arguments)


def test_without_a_mentioned_tool_the_answer_is_text() -> None:
    assert answer("Hello").calls == ()
    assert answer("forget_weather_report").calls == ()
    assert answer("get_weather", tool_choice="none").calls == ()


def test_several_tools_are_called_unless_forbidden() -> None:
    choice = answer("get_time and get_weather")
    assert called(choice) == ["get_weather", "get_time"]
    assert len({call.id for call in choice.calls}) == 2
    assert called(answer("get_time and get_weather", parallel_tool_calls=False)) == ["get_weather"]


def test_tool_choice_requires_a_call() -> None:
    assert called(answer("Hello", tool_choice="required")) == ["get_weather"]
    assert called(answer("get_time", tool_choice="required")) == ["get_time"]
    forced = answer("Hello", tool_choice={"type": "function", "function": {"name": "get_time"}})
    assert called(forced) == ["get_time"]
    assert forced.finish_reason == "stop"


def test_a_tool_result_is_answered_with_text() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}]
    asked = {"role": "assistant", "content": None, "tool_calls": calls}
    choice = answer("get_time", asked, {"role": "tool", "tool_call_id": "c", "content": "12:00"})
    assert choice.calls == ()
    assert choice.content


@pytest.mark.parametrize("ceiling", [1, 3, 5, 100])
def test_max_tokens_cuts_arguments(ceiling: int) -> None:
    choice = answer("get_time and get_weather", max_tokens=ceiling)
    assert choice.characters <= 4 * ceiling
    assert choice.finish_reason == ("tool_calls" if ceiling == 100 else "length")


def test_a_custom_tool_is_called_with_text() -> None:
    tools = [*TOOLS, {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}}]
    (call,) = answer("run the shell", tools=tools).calls
    assert (call.name, call.custom) == ("shell", True)
    assert call.arguments
    forced = answer("Hello", tools=tools, tool_choice={"type": "custom", "custom": {"name": "shell"}})
    assert (called(forced), forced.finish_reason) == (["shell"], "stop")


def test_only_allowed_tools_are_called() -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]}
    choice = answer("get_weather", tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert called(choice) == ["get_time"]


def test_legacy_functions() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "get_time"}], "functions": [WEATHER, TIME]}
    choice = complete(body).choices[0]
    assert called(choice) == ["get_time"]
    assert choice.finish_reason == "function_call"
    assert called(complete({**body, "function_call": {"name": "get_weather"}}).choices[0]) == ["get_weather"]
    assert complete({**body, "function_call": "none"}).choices[0].content
