"""Responses made from chat completions, through the real server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI

from tests.fakes.recording_upstream import RecordingUpstream
from tests.fakes.translated_vendors import USER, claude, claude_events

MARK = {"type": "ephemeral"}


def test_thinking_goes_round_in_responses(client: OpenAI, upstream: RecordingUpstream) -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    use = {"type": "tool_use", "id": "c1", "name": "weather", "input": {}}
    upstream.send_json(claude(thinking, use, stop="tool_use"))
    tools: list[Any] = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}]
    members: dict[str, Any] = {"model": "claude", "tools": tools, "reasoning": {"effort": "low"}}
    first = client.responses.create(input="hello", include=["reasoning.encrypted_content"], **members)
    assert [item.type for item in first.output] == ["reasoning", "function_call"]
    result = {"type": "function_call_output", "call_id": first.output[1].call_id, "output": "rain"}
    items: list[Any] = [{"role": "user", "content": "hello"}, *first.output, result]
    client.responses.create(input=items, **members)
    assert upstream.bodies[-1]["messages"][1]["content"][0] == thinking
    assert "thinking" in upstream.bodies[-1]


def test_custom_tools_are_streamed_as_text(client: OpenAI, upstream: RecordingUpstream) -> None:
    command = 'echo "caf\u00e9 \U0001f600"\n'
    arguments = json.dumps({"input": command})
    pieces = [
        {"type": "input_json_delta", "partial_json": arguments[at : at + 3]} for at in range(0, len(arguments), 3)
    ]
    block = {"type": "tool_use", "id": "c1", "name": "shell", "input": {}}
    upstream.send_events(claude_events(block, *pieces, stop="tool_use"))
    tools: list[Any] = [{"type": "custom", "name": "shell", "description": "Runs a command."}]
    written, done, kinds = "", None, set()
    with client.responses.stream(model="claude", input="hello", tools=tools) as stream:
        for event in stream:
            kinds.add(event.type)
            if event.type == "response.custom_tool_call_input.delta":
                written += event.delta
            if event.type == "response.custom_tool_call_input.done":
                done = event.input
        final = stream.get_final_response()
    assert written == done == command
    (item,) = final.output
    assert (item.type, getattr(item, "input", None)) == ("custom_tool_call", command)
    assert not any("function_call_arguments" in kind for kind in kinds)
    upstream.send_json(claude(block | {"input": {"input": command}}, stop="tool_use"))
    (whole,) = client.responses.create(model="claude", input="hello", tools=tools).output
    assert (whole.type, getattr(whole, "input", None)) == ("custom_tool_call", command)


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ({"role": "user", "content": "hello", "cache_control": MARK}, "user"),
        ({"role": "user", "content": [{"type": "input_text", "text": "x", "cache_control": MARK}]}, "user"),
        (
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}", "cache_control": MARK},
            "tool_use",
        ),
        ({"type": "function_call_output", "call_id": "c1", "output": "rain", "cache_control": MARK}, "tool_result"),
        (
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_text", "text": "rain", "cache_control": MARK}],
            },
            "tool_result",
        ),
    ],
)
def test_cache_marks_reach_claude(
    client: OpenAI, upstream: RecordingUpstream, item: dict[str, Any], place: str
) -> None:
    upstream.send_json(claude({"type": "text", "text": "x"}))
    call = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c1", "output": "rain"}
    parts = {"user": [item], "tool_use": [item, output], "tool_result": [call, item]}[place]
    items: list[Any] = [{"role": "user", "content": "first"}, {"role": "assistant", "content": "yes"}, *USER, *parts]
    client.responses.create(model="claude", input=items)
    assert "cache_control" in json.dumps(upstream.bodies[-1])
