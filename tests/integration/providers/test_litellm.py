"""LiteLLM's ways to each kind of upstream, against aimock: answers, streams, tools, usage and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.call import Call
from domain.errors import GatewayError, UpstreamCredentialError, UpstreamProtocolError, UpstreamRefusedError
from domain.usage import Usage
from tests.builders import chat_call
from tests.fakes.vertex import TOKEN
from tests.integration.providers.conftest import KEY, TEXT, WAYS, World

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def call(said: str, *, stream: bool = False, wants_usage: bool = False, **members: Any) -> Call:
    messages = [{"role": "user", "content": said}]
    return chat_call(stream=stream, wants_usage=wants_usage, request_id="req-1", messages=messages, **members)


async def streamed(world: World, way: str, made: Call) -> tuple[list[dict[str, Any]], Usage | None]:
    """Every chunk of a complete stream, and the usage."""
    stream = await world.provider.stream(made, world.documents[way])
    try:
        relayed = b"".join([block async for block in stream])
    finally:
        await stream.aclose()
    events = relayed.removesuffix(b"\n\n").split(b"\n\n")
    assert events[-1] == b"data: [DONE]"
    return [json.loads(event.removeprefix(b"data: ")) for event in events[:-1]], stream.usage


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer(world: World, way: str) -> None:
    answer = await world.provider.answer(call("hello"), world.documents[way])
    body = json.loads(answer.body)
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"] == {"role": "assistant", "content": TEXT, "refusal": None}
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["prompt_tokens"] == 11
    assert body["usage"]["completion_tokens"] == 9
    assert answer.usage == Usage(input_tokens=11, output_tokens=9)
    assert not body["model"].startswith(("azure_ai/", "vertex_ai/", "anthropic/", "custom_openai/"))
    assert "provider_specific_fields" not in answer.body.decode()


@pytest.mark.parametrize("wants_usage", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_a_stream(world: World, way: str, *, wants_usage: bool) -> None:
    chunks, usage = await streamed(world, way, call("hello", stream=True, wants_usage=wants_usage))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == TEXT
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]][-1] == "stop"
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert usage == Usage(input_tokens=11, output_tokens=9)
    if wants_usage:
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["total_tokens"] == 20
        assert all(chunk["usage"] is None for chunk in chunks[:-1])
    else:
        assert all("usage" not in chunk for chunk in chunks)


@pytest.mark.parametrize("way", WAYS)
async def test_parallel_tools(world: World, way: str) -> None:
    answer = await world.provider.answer(call("weather", tools=TOOLS), world.documents[way])
    choice = json.loads(answer.body)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    calls = [
        (made["function"]["name"], json.loads(made["function"]["arguments"]))
        for made in choice["message"]["tool_calls"]
    ]
    assert calls == [("get_weather", {"city": "Porto"}), ("get_weather", {"city": "Lisbon"})]
    assert answer.usage == Usage(input_tokens=40, output_tokens=12)


@pytest.mark.parametrize("way", WAYS)
async def test_parallel_tools_streamed(world: World, way: str) -> None:
    chunks, usage = await streamed(world, way, call("weather", stream=True, tools=TOOLS))
    arguments: dict[int, str] = {}
    names: dict[int, str] = {}
    for chunk in chunks:
        for made in chunk["choices"][0]["delta"].get("tool_calls", ()):
            index = made["index"]
            names[index] = names.get(index) or made["function"].get("name", "")
            arguments[index] = arguments.get(index, "") + (made["function"].get("arguments") or "")
    assert names == {0: "get_weather", 1: "get_weather"}
    assert {index: json.loads(text) for index, text in arguments.items()} == {
        0: {"city": "Porto"},
        1: {"city": "Lisbon"},
    }
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert usage == Usage(input_tokens=40, output_tokens=12)


async def failing(world: World, way: str, said: str, *, stream: bool) -> GatewayError:
    made = call(said, stream=stream)
    with pytest.raises(GatewayError) as caught:
        await (streamed(world, way, made) if stream else world.provider.answer(made, world.documents[way]))
    shown = f"{caught.value.message} {getattr(caught.value, 'reason', '')}".lower()
    for word in ("litellm.", "127.0.0.1", "traceback", KEY, "://"):
        assert word not in shown
    return caught.value


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_refusals(world: World, way: str, *, stream: bool) -> None:
    for said, status, message in (
        ("limited", 429, "Slow down, please."),
        ("broken", 500, "Something broke."),
        ("wrong", 400, "That makes no sense."),
    ):
        error = await failing(world, way, said, stream=stream)
        assert isinstance(error, UpstreamRefusedError)
        assert (error.status, error.message) == (status, message)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", ["azure_ai", "anthropic", "gemini", "cohere", "blackbox"])
async def test_retry_after_comes_through(world: World, way: str, *, stream: bool) -> None:
    error = await failing(world, way, "limited", stream=stream)
    assert isinstance(error, UpstreamRefusedError)
    assert error.retry_after == 7


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_a_bad_key_is_the_operators_business(world: World, way: str, *, stream: bool) -> None:
    assert isinstance(await failing(world, way, "key", stream=stream), UpstreamCredentialError)


@pytest.mark.parametrize("way", ["azure_ai", "anthropic", "gemini", "cohere", "blackbox"])
async def test_a_stream_that_was_cut_is_no_answer(world: World, way: str) -> None:
    stream = await world.provider.stream(call("cut", stream=True), world.documents[way])
    received = bytearray()

    async def read() -> None:
        async for block in stream:
            received.extend(block)

    with pytest.raises(UpstreamProtocolError):
        await read()
    await stream.aclose()
    assert b'"content":' in received
    assert b"[DONE]" not in received
    assert stream.output_so_far() > 0


async def test_vertex_is_called_by_publisher_with_a_token_of_the_account(world: World) -> None:
    for way, path in (
        ("vertex_gemini", "publishers/google/models/gemini-2.0-flash:generateContent"),
        ("vertex_claude", "publishers/anthropic/models/claude-3-sonnet:rawPredict"),
        ("vertex_mistral", "publishers/mistralai/models/mistral-large-2411:rawPredict"),
        ("vertex_jamba", "publishers/ai21/models/jamba-1.5-large:rawPredict"),
        ("vertex_deepseek", "endpoints/openapi/chat/completions"),
    ):
        await world.provider.answer(call("hello"), world.documents[way])
        assert world.front.paths[-1].endswith(f"/projects/p1/locations/us-central1/{path}")
        assert world.front.authorizations[-1] == f"Bearer {TOKEN}"
