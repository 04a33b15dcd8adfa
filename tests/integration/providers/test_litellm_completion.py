"""Legacy completions made of chat completions, against aimock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.call import Call
from domain.errors import InvalidRequestError
from domain.operation import Endpoint
from domain.usage import Usage
from tests.integration.providers.conftest import TEXT, WAYS, World


def call(prompt: Any, *, stream: bool = False, wants_usage: bool = False, **members: Any) -> Call:
    body = {"model": "public", "prompt": prompt} | members
    fields = {name: json.dumps(value).encode() for name, value in body.items()}
    return Call(Endpoint.COMPLETIONS, "public", fields, stream, wants_usage, request_id="req-1")


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer(world: World, way: str) -> None:
    made = call(["hello"], max_tokens=20, best_of=1, echo=False, suffix=None, logprobs=None)
    answer = await world.provider.answer(made, world.documents[way])
    body = json.loads(answer.body)
    assert body["object"] == "text_completion"
    assert body["id"]
    assert body["choices"] == [{"text": TEXT, "index": 0, "logprobs": None, "finish_reason": "stop"}]
    assert body["usage"]["total_tokens"] == 20
    assert answer.usage == Usage(input_tokens=11, output_tokens=9)


@pytest.mark.parametrize("wants_usage", [False, True])
@pytest.mark.parametrize("way", WAYS)
async def test_a_stream(world: World, way: str, *, wants_usage: bool) -> None:
    stream = await world.provider.stream(call("hello", stream=True, wants_usage=wants_usage), world.documents[way])
    try:
        relayed = b"".join([block async for block in stream])
    finally:
        await stream.aclose()
    *events, end = relayed.removesuffix(b"\n\n").split(b"\n\n")
    assert end == b"data: [DONE]"
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert "".join(choice["text"] for choice in choices) == TEXT
    assert [choice["finish_reason"] for choice in choices][-1] == "stop"
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert all(set(choice) == {"text", "index", "logprobs", "finish_reason"} for choice in choices)
    assert [chunk["usage"]["total_tokens"] for chunk in chunks if chunk.get("usage")] == [20] * wants_usage
    assert stream.usage == Usage(input_tokens=11, output_tokens=9)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": ["one", "two"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1], [2]]}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": {}}, "prompt"),
        ({"suffix": "end"}, "suffix"),
        ({"logprobs": 2}, "logprobs"),
        ({"best_of": 3}, "best_of"),
        ({"echo": True}, "echo"),
        ({"messages": []}, "messages"),
        ({"api_base": "http://elsewhere.example"}, "api_base"),
        ({"max_tokens": "many"}, "max_tokens"),
    ],
)
async def test_what_these_models_cannot_do(world: World, members: dict[str, Any], param: str) -> None:
    body = {"prompt": "hello"} | members
    with pytest.raises(InvalidRequestError) as caught:
        await world.provider.answer(call(body.pop("prompt"), **body), world.documents["azure_ai"])
    assert caught.value.param == param
