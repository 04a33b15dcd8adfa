"""Chat through LiteLLM and the real server: answers, streams, tools, formats and charges are complete."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai import BadRequestError, OpenAI

from tests.fakes.llmproxy_server import LLMProxy
from tests.fakes.processes import wait_until
from tests.fakes.recording_upstream import RecordingUpstream
from tests.fakes.translated_vendors import TEXT_BLOCK, TOOL, USER, claude, claude_events, cohere, streamed, text


def test_half_a_character_is_replaced_and_billed(proxy: LLMProxy, client: OpenAI, upstream: RecordingUpstream) -> None:
    upstream.send_json(claude({"type": "text", "text": "x\udcaf"}))
    whole = client.chat.completions.create(model="claude", messages=USER)
    assert whole.choices[0].message.content == "x\ufffd"
    assert client.responses.create(model="claude", input="hello").output_text == "x\ufffd"
    upstream.send_events(claude_events(TEXT_BLOCK, text("x\udcaf"), text("\ud83d"), text("\ude00")))
    assert streamed(client, "claude")[0] == {0: "x\ufffd\U0001f600"}
    with client.responses.stream(model="claude", input="hello") as stream:
        assert stream.get_final_response().output_text == "x\ufffd\U0001f600"
    wait_until(lambda: any(row["calls"] >= 4 for row in proxy.usage("model")), 10, "all lines")
    row = next(row for row in proxy.usage("model") if row["model"] == "claude")
    assert (row["failed"], row["output_tokens"]) == (0, 7 + 7 + 30 + 30)


@pytest.mark.parametrize("delta", ["| --- ", "AAAA", "\n\n\n"])
def test_repeated_chunks_are_an_answer(client: OpenAI, upstream: RecordingUpstream, delta: str) -> None:
    upstream.send_events(claude_events(TEXT_BLOCK, *[text(delta)] * 150))
    assert streamed(client, "claude") == ({0: delta * 150}, {0: "stop"})


@pytest.mark.parametrize(
    ("stop", "reason"),
    [("model_context_window_exceeded", "length"), ("refusal", "content_filter"), ("pause_turn", "stop")],
)
def test_finish_reasons_of_claude(client: OpenAI, upstream: RecordingUpstream, stop: str, reason: str) -> None:
    upstream.send_json(claude({"type": "text", "text": "x"}, stop=stop))
    assert client.chat.completions.create(model="claude", messages=USER).choices[0].finish_reason == reason
    upstream.send_events(claude_events(TEXT_BLOCK, text("x"), stop=stop))
    assert streamed(client, "claude")[1] == {0: reason}


@pytest.mark.parametrize("stream", [False, True])
def test_an_invalid_tool_call_of_gemini_is_no_complete_answer(
    client: OpenAI, upstream: RecordingUpstream, *, stream: bool
) -> None:
    answer: dict[str, Any] = {
        "candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "MALFORMED_FUNCTION_CALL"}]
    } | {"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}
    if stream:
        upstream.send_events([answer])
        assert streamed(client, "gemini")[1] == {0: "content_filter"}
    else:
        upstream.send_json(answer)
        answered = client.chat.completions.create(model="gemini", messages=USER)
        assert answered.choices[0].finish_reason == "content_filter"


def test_thinking_is_left_out_of_a_turn_whose_thoughts_the_client_did_not_keep(
    client: OpenAI, upstream: RecordingUpstream
) -> None:
    upstream.send_json(claude({"type": "text", "text": "x"}))
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    history: list[Any] = [*USER, {"role": "assistant", "content": None, "tool_calls": [call]}]
    result: list[Any] = [{"role": "tool", "tool_call_id": "c1", "content": "rain"}]
    thinking = {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "sig"}]}
    for messages, expected in (
        ([*history, *result], False),
        ([*USER, history[1] | thinking, *result], True),
        ([*history, *result, *USER], True),
        (USER, True),
    ):
        client.chat.completions.create(
            model="claude", messages=messages, tools=[TOOL], reasoning_effort="low", max_completion_tokens=5000
        )
        assert ("thinking" in upstream.bodies[-1]) is expected, messages


def test_tool_calls_without_arguments_have_an_empty_object(client: OpenAI, upstream: RecordingUpstream) -> None:
    block = {"type": "tool_use", "id": "c1", "name": "weather", "input": {}}
    upstream.send_events(claude_events(block, stop="tool_use"))
    with client.chat.completions.stream(model="claude", messages=USER, tools=[TOOL]) as stream:
        completion = stream.get_final_completion()
    assert [call.function.arguments for call in completion.choices[0].message.tool_calls or ()] == ["{}"]
    assert completion.choices[0].finish_reason == "tool_calls"


def test_json_is_asked_of_every_vendor(client: OpenAI, upstream: RecordingUpstream) -> None:
    upstream.send_json(claude({"type": "text", "text": "{}"}))
    client.chat.completions.create(model="claude", messages=USER, response_format={"type": "json_object"})
    assert "JSON object" in json.dumps(upstream.bodies[-1]["system"])
    client.responses.create(model="claude", input="hello", text={"format": {"type": "json_object"}})
    assert "JSON object" in json.dumps(upstream.bodies[-1]["system"])
    upstream.send_json(cohere())
    client.chat.completions.create(model="cohere", messages=USER, response_format={"type": "json_object"})
    assert upstream.bodies[-1]["response_format"] == {"type": "json_object"}


def test_cohere_is_charged_by_what_it_bills(proxy: LLMProxy, client: OpenAI, upstream: RecordingUpstream) -> None:
    upstream.send_json(cohere())
    client.chat.completions.create(model="cohere-billed", messages=USER)
    client.responses.create(model="cohere-billed", input="hello")
    upstream.send_events(
        [
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"type": "text", "text": "{}"}}}},
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": cohere()["usage"]}},
        ]
    )
    streamed(client, "cohere-billed")
    with client.responses.stream(model="cohere-billed", input="hello") as stream:
        assert stream.get_final_response().status == "completed"

    def row() -> dict[str, Any]:
        return next((row for row in proxy.usage("model") if row["model"] == "cohere-billed"), {"calls": 0})

    wait_until(lambda: row()["calls"] >= 4, 10, "all lines")
    assert (row()["input_tokens"], row()["output_tokens"]) == (4 * 5, 4 * 40)


def chunk(index: int, finish: str | None = None, **delta: str) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def test_each_choice_of_a_stream_ends_by_itself(client: OpenAI, upstream: RecordingUpstream) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    last = chunk(0) | {"choices": [], "usage": usage}
    upstream.send_events(
        [
            chunk(0, role="assistant", content="a"),
            chunk(1, role="assistant", content="b"),
            chunk(0, content="c"),
            chunk(0, "stop"),
            chunk(1, content="d"),
            chunk(1, "length"),
            last,
        ],
        done=True,
    )
    assert streamed(client, "openai", n=2) == ({0: "ac", 1: "bd"}, {0: "stop", 1: "length"})
    parts = [{"content": {"role": "model", "parts": [{"text": letter}]}, "index": at} for at, letter in enumerate("ab")]
    ends = [part | {"finishReason": reason} for part, reason in zip(parts, ("MAX_TOKENS", "STOP"), strict=True)]
    upstream.send_events([{"candidates": parts}, {"candidates": ends}])
    assert streamed(client, "gemini", n=2) == ({0: "aa", 1: "bb"}, {0: "length", 1: "stop"})


def test_log_probabilities_are_delivered(client: OpenAI, upstream: RecordingUpstream) -> None:
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    logprobs = {"content": [token], "refusal": None}
    first = chunk(0, role="assistant", content="a")
    first["choices"][0]["logprobs"] = logprobs
    upstream.send_events([first, chunk(0, "stop")], done=True)
    stream = client.chat.completions.create(model="openai", messages=USER, stream=True, logprobs=True)
    streamed_logprobs = [choice.logprobs for each in stream for choice in each.choices if choice.logprobs]
    message = {"role": "assistant", "content": "a"}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": logprobs}
    upstream.send_json({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
    whole = client.chat.completions.create(model="openai", messages=USER, logprobs=True).choices[0].logprobs
    for found in (*streamed_logprobs, whole):
        assert found is not None
        assert [(each.token, each.logprob) for each in found.content or ()] == [("a", -0.5)]
    assert len(streamed_logprobs) == 1


@pytest.mark.parametrize("name", ["MODEL", "Model", "Stream", "N", "Tools", "TOOL_CHOICE", "models", "preset"])
@pytest.mark.parametrize("model", ["openai", "cohere", "gemini", "claude"])
def test_no_other_spelling_chooses_a_model_or_a_tool(
    proxy: LLMProxy, upstream: RecordingUpstream, model: str, name: str
) -> None:
    before = len(upstream.bodies)
    body = {"model": model, "messages": USER, name: "private"}
    answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}, timeout=30)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)
    assert len(upstream.bodies) == before


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ([{"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}], "messages[0].content[0]"),
        ([{"type": "text", "text": "x"}, {"type": "hologram"}], "messages[0].content[1]"),
    ],
)
def test_a_part_that_cannot_be_delivered_is_named(client: OpenAI, content: list[Any], where: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        client.chat.completions.create(model="claude", messages=[{"role": "user", "content": content}])
    assert caught.value.param == where
    parts = [part | ({"type": "input_text"} if part["type"] == "text" else {}) for part in content]
    items: list[Any] = [{"role": "user", "content": parts}]
    with pytest.raises(BadRequestError) as caught:
        client.responses.create(model="claude", input=items)
    assert caught.value.param == where.replace("messages", "input")
