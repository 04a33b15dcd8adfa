"""Chat completions, as an application makes them with the official Python client."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import openai
from pydantic import BaseModel

from tests.e2e.clients.harness import ClientSetup, order, refused

OPERATION = "chat/completions"

HELLO: Any = [{"role": "user", "content": "Tell me about the amber basin"}]
PIXEL = "data:image/png;base64," + base64.b64encode(b"\x89PNG not really").decode()
SOUND = base64.b64encode(b"RIFF not really").decode()


class City(BaseModel):
    """A structured answer."""

    name: str
    inhabitants: int
    capital: bool


def tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


def caller(setup: ClientSetup) -> Callable[..., Any]:
    """Call with a default model and question."""
    create = setup.client.chat.completions.create
    return lambda **members: create(**{"model": setup.model(), "messages": HELLO, **members})


def check_plain(setup: ClientSetup) -> None:
    create = caller(setup)
    answer = create()
    assert answer.object == "chat.completion"
    assert answer.model == setup.model(), answer.model
    assert answer.choices[0].message.role == "assistant"
    assert "amber basin" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def check_stream_says_the_same(setup: ClientSetup) -> None:
    create = caller(setup)
    chunks = list(create(stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == create().choices[0].message.content
    assert len(chunks) > 2
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.model for chunk in chunks} == {setup.model()}
    assert len({chunk.id for chunk in chunks}) == 1


def check_usage_only_where_asked(setup: ClientSetup) -> None:
    create = caller(setup)
    plain = list(create(stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in plain)
    refusing = list(create(stream=True, stream_options={"include_usage": False}))
    assert all(chunk.choices and chunk.usage is None for chunk in refusing)
    asking = list(create(stream=True, stream_options={"include_usage": True}))
    assert asking[-1].choices == []
    assert asking[-1].usage.completion_tokens == create().usage.completion_tokens
    assert all(chunk.choices and chunk.usage is None for chunk in asking[:-1])


def check_stream_helper(setup: ClientSetup) -> None:
    create = caller(setup)
    with setup.client.chat.completions.stream(model=setup.model(), messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds, kinds
    assert final.choices[0].message.content == create().choices[0].message.content


def check_tool(setup: ClientSetup) -> None:
    create = caller(setup)
    question = [{"role": "user", "content": "Use get_weather please"}]
    answer = create(messages=question, tools=[tool("get_weather")]).choices[0]
    assert answer.finish_reason == "tool_calls"
    (call,) = answer.message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    reply = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    history = [*question, answer.message.model_dump(exclude_none=True), reply]
    final = create(messages=history, tools=[tool("get_weather")])
    assert final.choices[0].message.content


def check_parallel_tools(setup: ClientSetup) -> None:
    create = caller(setup)
    question = [{"role": "user", "content": "Use get_weather and get_time"}]
    tools = [tool("get_weather"), tool("get_time")]
    both = create(messages=question, tools=tools).choices[0].message.tool_calls
    assert [call.function.name for call in both] == ["get_weather", "get_time"]
    assert len({call.id for call in both}) == 2
    one = create(messages=question, tools=tools, parallel_tool_calls=False).choices[0].message.tool_calls
    assert len(one) == 1


def check_streamed_tool_deltas(setup: ClientSetup) -> None:
    create = caller(setup)
    question = [{"role": "user", "content": "Use get_weather and get_time"}]
    tools = [tool("get_weather"), tool("get_time")]
    whole = create(messages=question, tools=tools).choices[0].message.tool_calls
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in create(messages=question, tools=tools, stream=True):
        for delta in chunk.choices[0].delta.tool_calls or ():
            names[delta.index] = names.get(delta.index, "") + (delta.function.name or "")
            arguments[delta.index] = arguments.get(delta.index, "") + (delta.function.arguments or "")
    assert list(names.values()) == [call.function.name for call in whole]
    assert list(arguments.values()) == [call.function.arguments for call in whole]


def check_json_schema(setup: ClientSetup) -> None:
    answer = setup.client.chat.completions.parse(model=setup.model(), messages=HELLO, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


def check_images_and_audio(setup: ClientSetup) -> None:
    create = caller(setup)
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}},
    ]
    messages = [{"role": "user", "content": parts}]
    assert create(messages=messages).choices[0].message.content
    if setup.upstream:
        assert setup.seen()["body"]["messages"] == messages


def check_several_choices(setup: ClientSetup) -> None:
    create = caller(setup)
    answer = create(n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {chunk.choices[0].index for chunk in create(n=3, stream=True)} == {0, 1, 2}


def check_logprobs(setup: ClientSetup) -> None:
    create = caller(setup)
    answer = create(logprobs=True, top_logprobs=2).choices[0]
    assert "".join(token.token for token in answer.logprobs.content) == answer.message.content
    assert all(len(token.top_logprobs) == 2 for token in answer.logprobs.content)


def check_stop(setup: ClientSetup) -> None:
    create = caller(setup)
    whole = create().choices[0].message.content
    word = whole.split()[8]
    stopped = create(stop=[word]).choices[0]
    assert stopped.message.content == whole[: whole.index(word)]
    assert stopped.finish_reason == "stop"


def check_ceiling(setup: ClientSetup) -> None:
    create = caller(setup)
    answer = create(max_completion_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 5


def check_seed(setup: ClientSetup) -> None:
    create = caller(setup)
    first = create(seed=7)
    assert first.choices[0].message.content == create(seed=7).choices[0].message.content
    if setup.upstream:
        assert setup.seen()["body"]["seed"] == 7


def check_reasoning_effort(setup: ClientSetup) -> None:
    create = caller(setup)
    answer = create(reasoning_effort="low")
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0
    if setup.upstream:
        assert setup.seen()["body"]["reasoning_effort"] == "low"


def check_unknown_parameters_reach_the_upstream(setup: ClientSetup) -> None:
    create = caller(setup)
    unheard = {"invented_tomorrow": {"deep": [1, 2.50, None, "\u00e9\U0001f600"]}, "top_k": 40}
    assert create(extra_body=unheard).choices
    if setup.upstream:
        assert setup.seen()["body"] == unheard | {"model": setup.model(), "messages": HELLO}


def check_model_with_slash(setup: ClientSetup) -> None:
    create = caller(setup)
    assert create(model="azure/gpt-4o").model == "azure/gpt-4o"


def check_refusals(setup: ClientSetup) -> None:
    create = caller(setup)
    wrong = refused(openai.BadRequestError, create, messages="not a list")
    assert (wrong.param, wrong.type) == ("messages", "invalid_request_error")


def check_upstream_errors(setup: ClientSetup) -> None:
    create = caller(setup)
    refused(openai.RateLimitError, create, stream=True, **order(status=429))
    refused(openai.InternalServerError, create, **order(status=500))
    refused(openai.BadRequestError, create, **order(status=400))
    refused(openai.InternalServerError, create, **order(html=True))
    refused(openai.InternalServerError, create, stream=True, **order(cut_after=0))


def check_failures_inside_streams_are_raised(setup: ClientSetup) -> None:
    for orders in ({"error_in_stream": 3}, {"cut_after": 3}):
        assert refused(openai.APIError, caller(setup), stream=True, **order(**orders)).message, orders


def check_request_ids(setup: ClientSetup) -> None:
    create = caller(setup)
    assert create()._request_id
    named = create(extra_headers={"X-Request-Id": "mine-1"})
    assert named._request_id == "mine-1"
    raw = setup.client.chat.completions.with_raw_response.create(model=setup.model(), messages=HELLO, stream=True)
    assert raw.headers["x-request-id"]
    assert raw.headers["content-type"].startswith("text/event-stream")
    assert list(raw.parse())


def check_async_client(setup: ClientSetup) -> None:
    async def both() -> tuple[str, str]:
        async with setup.asynchronous() as client:
            asked = {"model": setup.model(), "messages": HELLO}
            whole = await client.chat.completions.create(**asked)
            chunks = await client.chat.completions.create(**asked, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in chunks]
            return whole.choices[0].message.content, "".join(pieces)

    assert len(set(asyncio.run(both()))) == 1


def check_aborting_a_stream_leaves_the_server_well(setup: ClientSetup) -> None:
    create = caller(setup)
    with create(stream=True, **order(tokens=2000, tps=100)) as stream:
        assert next(iter(stream)).choices
    assert create().choices
