"""Refused requests and their messages."""

from typing import Any

import pytest

from infra.simulator.chat_request import validate
from infra.simulator.errors import SimulatedError

HELLO = [{"role": "user", "content": "Hello"}]


def with_part(part: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}]}


def with_function(function: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": function}]}


FAULTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"model": None}, "model", None),
    ({"model": 3}, "model", "invalid_type"),
    ({"messages": None}, "messages", "missing_required_parameter"),
    ({"messages": "Hello"}, "messages", "invalid_type"),
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": ["Hello"]}, "messages[0]", "invalid_type"),
    ({"messages": [{"content": "Hello"}]}, "messages[0].role", "missing_required_parameter"),
    ({"messages": [{"role": "boss", "content": "Hello"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [*HELLO, {"role": "user"}]}, "messages[1].content", None),
    ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]}, "messages[0].role", None),
    (with_part("x"), "messages[0].content[0]", "invalid_type"),
    (with_part({"text": "x"}), "messages[0].content[0].type", "missing_required_parameter"),
    (with_part({"type": "video"}), "messages[0].content[0].type", "invalid_value"),
    (with_part({"type": "text"}), "messages[0].content[0].text", "missing_required_parameter"),
    (with_part({"type": "image_url", "image_url": "x"}), "messages[0].content[0].image_url", "invalid_type"),
    (
        with_part({"type": "input_audio", "input_audio": {"data": "x", "format": "ogg"}}),
        "messages[0].content[0].input_audio.format",
        "invalid_value",
    ),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": 129}, "n", "integer_above_max_value"),
    ({"n": 1.5}, "n", "invalid_type"),
    ({"n": True}, "n", "invalid_type"),
    ({"temperature": 3}, "temperature", "decimal_above_max_value"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
    ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens", "invalid_parameter_combination"),
    ({"seed": "x"}, "seed", "invalid_type"),
    ({"stream": "yes"}, "stream", "invalid_type"),
    ({"stream_options": {"include_usage": True}}, "stream_options", None),
    ({"top_logprobs": 2}, "top_logprobs", None),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"stop": 5}, "stop", "invalid_type"),
    ({"stop": ["a", 5]}, "stop", "invalid_type"),
    ({"stop": list("abcde")}, "stop", "array_above_max_length"),
    ({"user": 5}, "user", "invalid_type"),
    ({"reasoning_effort": "much"}, "reasoning_effort", "invalid_value"),
    ({"modalities": ["text", "audio"]}, "modalities", None),
    ({"response_format": {}}, "response_format.type", "missing_required_parameter"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name",
        "missing_required_parameter",
    ),
    ({"functions": []}, "functions", "empty_array"),
    ({"tools": ["x"]}, "tools[0]", "invalid_type"),
    ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type", "missing_required_parameter"),
    ({"tools": [{"type": "custom"}]}, "tools[0].custom", "missing_required_parameter"),
    ({**with_function({"name": "f"}), "tool_choice": {"type": []}}, "tool_choice.type", "invalid_type"),
    (
        {**with_function({"name": "f"}), "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}},
        "tool_choice.allowed_tools.tools",
        "invalid_type",
    ),
    (with_function(None), "tools[0].function", "missing_required_parameter"),
    (with_function({}), "tools[0].function.name", "missing_required_parameter"),
    (with_function({"name": "a b"}), "tools[0].function.name", "invalid_value"),
    (with_function({"name": "f", "parameters": []}), "tools[0].function.parameters", "invalid_type"),
    ({"tool_choice": "auto"}, "tool_choice", None),
    ({**with_function({"name": "f"}), "tool_choice": "maybe"}, "tool_choice", "invalid_value"),
    (
        {**with_function({"name": "f"}), "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "tool_choice",
        "invalid_value",
    ),
]


@pytest.mark.parametrize(("change", "param", "code"), FAULTS, ids=[f"{each[1]}-{each[2]}" for each in FAULTS])
def test_an_error_names_the_member(change: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(SimulatedError) as caught:
        validate({"model": "m", "messages": HELLO, **change})
    refused = caught.value
    assert (refused.status, refused.kind) == (400, "invalid_request_error")
    assert (refused.param, refused.code) == (param, code)


def test_unknown_members_and_null_are_accepted() -> None:
    nothing = dict.fromkeys(("n", "temperature", "stop", "tools", "stream", "response_format", "tool_choice", "user"))
    validate({"model": "m", "messages": HELLO, **nothing, "brand_new": {"deep": [1]}, "verbosity": "low"})
    validate({"model": "m", "messages": HELLO, "tools": [], "reasoning_effort": "max"})
