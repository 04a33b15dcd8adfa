"""Upstreams that answer a streaming request as a whole, or stream what was not to be streamed: served as asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.fakes.chat_upstream import DONE, USAGE, chat_stream, chunk, completion, event
from tests.fakes.every_operation import EVERYTHING, client_of, line_of, post
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

EVENTS = b"text/event-stream"
CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "up",
    "status": "completed",
    "error": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {"id": "rs_1", "type": "reasoning", "summary": []},
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "one two", "annotations": []}],
        },
        {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"},
    ],
    "usage": {
        "input_tokens": 11,
        "output_tokens": 3,
        "total_tokens": 14,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    },
}


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, scripted: ScriptedUpstream) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path_factory.mktemp("whole"), upstream("up", f"{scripted.url}/v1", operations=EVERYTHING))
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


@pytest.fixture
def openai(proxy: LLMProxy) -> Iterator[OpenAI]:
    with OpenAI(api_key=proxy.key, base_url=f"{proxy.url}/v1", max_retries=0) as made:
        yield made


def whole(scripted: ScriptedUpstream, body: object) -> Any:
    return scripted.answering(answer(json.dumps(body).encode()), then="close")


def streaming(scripted: ScriptedUpstream, *events: bytes, kind: bytes = EVENTS) -> Any:
    return scripted.answering(answer(b"".join(events), kind), then="close")


def check_billed(proxy: LLMProxy, request_id: str) -> None:
    line = line_of(proxy, request_id)
    assert (line["input_tokens"], line["output_tokens"], line["usage_source"]) == (11, 3, "measured")


@pytest.mark.parametrize("wants_usage", [False, True])
def test_a_whole_chat_completion_as_a_stream(
    openai: OpenAI,
    proxy: LLMProxy,
    scripted: ScriptedUpstream,
    wants_usage: bool,  # noqa: FBT001 - a parameter
) -> None:
    message = {"role": "assistant", "content": "one two three", "tool_calls": [CALL], "reasoning_content": "hm"}
    body = completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}])
    with whole(scripted, body):
        stream = openai.chat.completions.create(
            model="up",
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            **({"stream_options": {"include_usage": True}} if wants_usage else {}),  # type: ignore[call-overload]
        )
        request_id = stream.response.headers["x-request-id"]
        chunks = list(stream)
    deltas = [choice.delta for each in chunks for choice in each.choices]
    assert "".join(delta.content or "" for delta in deltas) == "one two three"
    (call,) = [call for delta in deltas for call in delta.tool_calls or ()]
    assert (call.index, call.id, call.function.name, call.function.arguments) == (0, "call_1", "find", '{"a": 1}')
    assert [choice.finish_reason for each in chunks for choice in each.choices] == [None, "tool_calls"]
    assert {each.object for each in chunks} == {"chat.completion.chunk"}
    assert [each.usage.total_tokens for each in chunks if each.usage] == ([14] if wants_usage else [])
    check_billed(proxy, request_id)


def test_a_whole_legacy_completion_as_a_stream(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream
) -> None:
    choices = [{"index": 0, "text": "one two", "finish_reason": "length", "logprobs": None}]
    with whole(scripted, completion(object="text_completion", choices=choices)):
        taken = post(client, "completions", "up", stream=True)
    assert taken.headers["content-type"].startswith("text/event-stream")
    first, second, done = taken.text.removesuffix("\n\n").split("\n\n")
    assert json.loads(first[6:])["choices"][0]["text"] == "one two"
    assert json.loads(second[6:])["choices"][0]["finish_reason"] == "length"
    assert done == "data: [DONE]"
    check_billed(proxy, taken.headers["x-request-id"])


def test_a_whole_response_as_a_stream(openai: OpenAI, scripted: ScriptedUpstream) -> None:
    with whole(scripted, RESPONSE), openai.responses.stream(model="up", input="hi") as stream:
        kinds = [each.type for each in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_item.done") == 3
    assert final.output_text == "one two"


def test_a_whole_image_as_a_stream(client: httpx.Client, scripted: ScriptedUpstream) -> None:
    body = {"created": 1, "data": [{"b64_json": "AAAA"}], "size": "256x256", "usage": {"input_tokens": 1}}
    with whole(scripted, body):
        taken = post(client, "images/generations", "up", stream=True)
    name, data = taken.text.removesuffix("\n\n").split("\n")
    assert name == "event: image_generation.completed"
    assert json.loads(data[6:])["b64_json"] == "AAAA"


@pytest.mark.parametrize("kind", [EVENTS, b"application/json"])
def test_a_streamed_chat_completion_as_a_whole(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream, kind: bytes
) -> None:
    with streaming(scripted, b": ping\n\n", *chat_stream(usage=True), kind=kind):
        taken = post(client, "chat/completions", "up")
    assert taken.headers["content-type"] == "application/json"
    assert taken.json() == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "up",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "one two three"}}
        ],
        "usage": USAGE,
    }
    check_billed(proxy, taken.headers["x-request-id"])


def test_streamed_tool_calls_and_choices_as_a_whole(client: httpx.Client, scripted: ScriptedUpstream) -> None:
    def delta(index: int, **members: object) -> bytes:
        return event(chunk(choices=[{"index": index, "delta": members, "finish_reason": None}]))

    start = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}
    events = [
        delta(0, role="assistant", content=None, tool_calls=[start]),
        delta(0, role="assistant", tool_calls=[{"index": 0, "function": {"arguments": '{"a"'}}]),
        delta(1, role="assistant", content="\ud83d\ude00 b"),
        delta(0, role="assistant", tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
        delta(0, tool_calls=[{**start, "index": 1, "id": "call_2"}]),
        event(chunk(choices=[{"index": each, "delta": {}, "finish_reason": "stop"} for each in (0, 1)])),
        DONE,
    ]
    with streaming(scripted, *events):
        first, second = post(client, "chat/completions", "up", n=2).json()["choices"]
    other = CALL | {"id": "call_2", "function": {"name": "find", "arguments": ""}}
    assert first["message"] == {"role": "assistant", "content": None, "tool_calls": [CALL, other]}
    assert second["message"]["content"] == "\U0001f600 b"


def test_a_streamed_response_as_a_whole(client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream) -> None:
    created = RESPONSE | {"status": "in_progress", "output": [], "usage": None}
    events = [{"type": "response.created", "response": created}, {"type": "response.completed", "response": RESPONSE}]
    with streaming(scripted, *map(event, events)):
        taken = post(client, "responses", "up")
    assert taken.json()["output"] == RESPONSE["output"]
    check_billed(proxy, taken.headers["x-request-id"])


def test_a_streamed_transcript_as_a_whole(client: httpx.Client, scripted: ScriptedUpstream) -> None:
    events = [{"type": "transcript.text.delta", "delta": "a"}, {"type": "transcript.text.done", "text": "a b"}]
    with streaming(scripted, *map(event, events)):
        assert post(client, "audio/transcriptions", "up").json() == {"text": "a b"}


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
def test_an_incomplete_stream_is_not_an_answer(client: httpx.Client, scripted: ScriptedUpstream, path: str) -> None:
    events = [event(chunk("a")), event({"type": "response.created", "response": {}})]
    with streaming(scripted, *events):
        refused = post(client, path, "up")
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "upstream_protocol")
