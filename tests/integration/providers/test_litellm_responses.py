"""Responses made of chat completions, against aimock: answers, events, tools, usage and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from application.use_cases.responses import RESPONSES
from domain.call import Call
from domain.errors import GatewayError, InvalidRequestError, UpstreamProtocolError, UpstreamRefusedError
from domain.operation import Endpoint
from domain.usage import Usage
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.fakes.chat_upstream import answering, completion
from tests.fakes.scripted_server import scripted_server
from tests.integration.providers.conftest import TEXT, WAYS, World, document

TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def call(said: Any, *, stream: bool = False, **members: Any) -> Call:
    body = {"model": "public", "input": said} | members
    fields = {name: json.dumps(value).encode() for name, value in body.items()}
    return Call(Endpoint.RESPONSES, "public", fields, stream, request_id="req-1")


async def events(world: World, way: str, made: Call) -> tuple[list[dict[str, Any]], Usage | None]:
    """Every event of a complete stream, checked for what holds of all of them, and the usage."""
    stream = await world.provider.stream(made, world.documents[way])
    try:
        relayed = b"".join([block async for block in stream])
        assert stream.ended
    finally:
        await stream.aclose()
    read = []
    for block in relayed.removesuffix(b"\n\n").split(b"\n\n"):
        name, data = block.split(b"\n")
        read.append(json.loads(data.removeprefix(b"data: ")))
        assert name == b"event: " + read[-1]["type"].encode()
    assert [event["sequence_number"] for event in read] == list(range(len(read)))
    assert len({event["response"]["id"] for event in read if "response" in event}) == 1
    assert read[0]["type"] == "response.created"
    return read, stream.usage


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer(world: World, way: str) -> None:
    made = call("hello", max_output_tokens=50, metadata={"a": "b"}, store=True, instructions=None, user="u")
    answer = await world.provider.answer(made, world.documents[way])
    body = json.loads(answer.body)
    assert (body["object"], body["status"], body["error"], body["store"]) == ("response", "completed", None, False)
    assert body["id"].startswith("resp_")
    assert (body["metadata"], body["max_output_tokens"], body["tools"]) == ({"a": "b"}, 50, [])
    (message,) = body["output"]
    assert (message["type"], message["role"], message["status"]) == ("message", "assistant", "completed")
    assert message["content"] == [{"type": "output_text", "text": TEXT, "annotations": []}]
    assert body["usage"] == {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 20,
    }
    assert answer.usage == Usage(input_tokens=11, output_tokens=9)
    assert not body["model"].startswith(("azure_ai/", "vertex_ai/", "anthropic/", "custom_openai/"))


@pytest.mark.parametrize("way", WAYS)
async def test_a_stream(world: World, way: str) -> None:
    read, usage = await events(world, way, call("hello", stream=True))
    kinds = [event["type"] for event in read]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert "".join(event["delta"] for event in read if event["type"] == "response.output_text.delta") == TEXT
    last = read[-1]["response"]
    assert last["output"][0]["content"][0]["text"] == TEXT
    assert last["output"][0]["id"] == read[2]["item"]["id"]
    assert (last["usage"]["input_tokens"], last["usage"]["output_tokens"]) == (11, 9)
    assert usage == Usage(input_tokens=11, output_tokens=9)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_parallel_tools_and_their_results(world: World, way: str, *, stream: bool) -> None:
    made = call("weather", stream=stream, tools=[TOOL], tool_choice="auto")
    if stream:
        read, usage = await events(world, way, made)
        output = read[-1]["response"]["output"]
        written: dict[str, str] = {}
        for event in read:
            if event["type"] == "response.function_call_arguments.delta":
                written[event["item_id"]] = written.get(event["item_id"], "") + event["delta"]
        assert [json.loads(written[item["id"]]) for item in output] == [{"city": "Porto"}, {"city": "Lisbon"}]
    else:
        answer = await world.provider.answer(made, world.documents[way])
        usage, output = answer.usage, json.loads(answer.body)["output"]
    calls = [(item["type"], item["name"], json.loads(item["arguments"])) for item in output]
    assert calls == [("function_call", "get_weather", {"city": city}) for city in ("Porto", "Lisbon")]
    assert usage == Usage(input_tokens=40, output_tokens=12)
    results = [{"type": "function_call_output", "call_id": item["call_id"], "output": "rain"} for item in output]
    said = [{"role": "user", "content": "weather"}, *output, *results, {"role": "user", "content": "hello"}]
    after = await world.provider.answer(call(said, tools=[TOOL]), world.documents[way])
    assert json.loads(after.body)["output"][0]["content"][0]["text"] == TEXT


async def test_everything_reaches_an_upstream_of_openais_format() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    picture = "data:image/png;base64,iVBORw0KGgo="
    content = [{"type": "input_text", "text": "hello"}, {"type": "input_image", "image_url": picture, "detail": "low"}]
    made = call(
        [{"role": "user", "content": content}],
        instructions="Be brief.",
        max_output_tokens=7,
        parallel_tool_calls=False,
        reasoning={"effort": "low"},
        temperature=0.5,
        text={"format": {"type": "json_schema", "name": "thing", "schema": schema, "strict": True}},
        tool_choice={"type": "function", "name": "get_weather"},
        tools=[TOOL],
        top_p=0.9,
        include=["reasoning.encrypted_content"],
        truncation="disabled",
        service_tier="auto",
        stream_options={"include_obfuscation": False},
    )
    async with scripted_server(answering(json.dumps(completion()).encode())) as server:
        provider = LiteLLMProvider(lambda _: None, silence_timeout=5, total_timeout=10)
        target = document(ModelType.PERPLEXITY, "sonar", endpoint=f"http://{server.origin.authority}", api_key="k")
        answer = await provider.answer(made, target)
        sent = json.loads(server.requests[0].body)
        assert server.requests[0].line.startswith(b"POST /chat/completions ")
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in sent["messages"][1]["content"]] == ["text", "image_url"]
    assert sent["messages"][1]["content"][1]["image_url"] == {"url": picture, "detail": "low"}
    assert sent["response_format"]["json_schema"]["schema"] == schema
    assert sent["tools"][0]["function"]["name"] == "get_weather"
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    wanted = {
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning_effort": "low",
        "parallel_tool_calls": False,
    }
    assert {name: sent[name] for name in wanted} == wanted
    assert set(sent) == {"model", "messages", "response_format", "tools", "tool_choice", *wanted}
    assert json.loads(answer.body)["text"]["format"]["name"] == "thing"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools[0]"),
        ({"tools": [{"type": "mcp", "server_url": "litellm_proxy"}]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"tools": {}}, "tools"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [1]}, "input[0]"),
        ({"input": [{"content": "no role"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [1]}]}, "input[0]"),
        ({"input": [{"type": "item_reference", "id": "rs_1"}]}, "input[0]"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0]"),
        ({"max_output_tokens": "many"}, "max_output_tokens"),
        ({"text": {"format": "json"}}, "text.format"),
        ({"api_base": "http://elsewhere.example"}, "api_base"),
        ({"extra_body": {}}, "extra_body"),
        ({"use_chat_completions_api": False}, "use_chat_completions_api"),
        ({"litellm_metadata": {}}, "litellm_metadata"),
    ],
)
async def test_what_the_bridge_cannot_do(members: dict[str, Any], param: str) -> None:
    async with scripted_server(answering(json.dumps(completion()).encode())) as server:
        provider = LiteLLMProvider(lambda _: None, silence_timeout=5, total_timeout=10)
        target = document(ModelType.AZURE_FOUNDRY, "m", endpoint=f"http://{server.origin.authority}", api_key="k")
        with pytest.raises(InvalidRequestError) as caught:
            await provider.answer(call("hello", **members), target)
        assert not server.requests
    assert caught.value.param == param


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_refusals(world: World, way: str, *, stream: bool) -> None:
    for said, status, message in (("limited", 429, "Slow down, please."), ("wrong", 400, "That makes no sense.")):
        made = call(said, stream=stream)
        with pytest.raises(GatewayError) as caught:
            await (events(world, way, made) if stream else world.provider.answer(made, world.documents[way]))
        assert isinstance(caught.value, UpstreamRefusedError)
        assert (caught.value.status, caught.value.message) == (status, message)


@pytest.mark.parametrize("way", ["azure_ai", "anthropic", "gemini", "cohere", "blackbox"])
async def test_a_stream_that_was_cut_is_no_answer(world: World, way: str) -> None:
    stream = await world.provider.stream(call("cut", stream=True), world.documents[way])
    blocks: list[bytes] = []

    async def read() -> None:
        async for block in stream:
            blocks.append(block)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(UpstreamProtocolError):
        await read()
    await stream.aclose()
    received = b"".join(blocks)
    assert b"response.output_text.delta" in received
    assert b"response.completed" not in received
    assert not stream.ended
    assert stream.output_so_far() > 0
    failed = RESPONSES.failure(
        blocks[0], blocks[-1], {"message": "cut", "type": "server_error", "param": None, "code": None}
    )
    end, begin = (json.loads(block.partition(b"data: ")[2]) for block in (failed, blocks[0]))
    assert (end["type"], end["sequence_number"]) == ("response.failed", len(blocks))
    assert end["response"]["id"] == begin["response"]["id"]
