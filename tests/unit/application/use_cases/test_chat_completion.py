from __future__ import annotations

import json

import pytest

from application.use_cases.chat_completion import CHAT_COMPLETION, estimate_input, estimate_output
from domain.call import Call
from domain.estimates import AUDIO_TOKENS, IMAGE_TOKENS
from domain.operation import Endpoint
from domain.usage import Usage

CALL = Call(Endpoint.CHAT_COMPLETIONS, "m", {})


def call_with(**members: object) -> int:
    fields = {name: json.dumps(value).encode() for name, value in ({"model": "m"} | members).items()}
    return estimate_input(CHAT_COMPLETION.read(fields, "r")).input_tokens


@pytest.mark.parametrize(
    ("messages", "tokens"),
    [
        ([], 0),
        ([{"role": "user", "content": "12345678"}], 2),
        ([{"role": "user", "content": "123456789"}], 3),
        ([{"role": "user", "content": [{"type": "text", "text": "1234"}, {"type": "text", "text": "5678"}]}], 2),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x" * 9999}}]}], IMAGE_TOKENS),
        ([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x" * 9999}}]}], AUDIO_TOKENS),
        ([{"role": "assistant", "content": None}, "no object", {"role": "user"}], 0),
        ([{"role": "user", "content": [5, None, {"type": ["odd"]}]}], 0),
    ],
)
def test_input(messages: list[object], tokens: int) -> None:
    assert call_with(messages=messages) == tokens


def test_tool_definitions_count_whatever_their_spacing() -> None:
    fields = {"model": b'"m"', "messages": b"[]", "tools": b'[ {"type" :  "function"} ]'}
    assert estimate_input(CHAT_COMPLETION.read(fields, "r")).input_tokens == 6  # [{"type":"function"}]


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ({"content": "12345678"}, 2),
        ({"content": None, "refusal": "1234"}, 1),
        ({"content": "", "tool_calls": [{"function": {"name": "look", "arguments": '{"a"'}}]}, 2),
        ({"content": "1234", "reasoning_content": "5678", "reasoning": "5678"}, 2),
        ({"function_call": {"name": "look", "arguments": "{}..12"}}, 3),
        ({"content": None, "audio": {"id": "audio_1", "data": "x" * 999, "transcript": "12345678"}}, 2),
        ({"content": [1], "audio": 5, "tool_calls": "odd", "function_call": 3}, 0),
        (None, 0),
    ],
)
def test_output(message: object, tokens: int) -> None:
    assert estimate_output(CALL, json.dumps({"choices": [{"message": message}]}).encode()).output_tokens == tokens


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"choices": 5}', b'{"choices": [5]}', b"[" * 100_000])
def test_what_is_no_answer_counts_nothing(body: bytes) -> None:
    assert estimate_output(CALL, body) == Usage()
