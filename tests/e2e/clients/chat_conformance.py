"""What an application does with the official Python client, run under each version of it that is in use.

A script: ``test_clients.py`` runs it in a process whose import path leads to one version. It prints one JSON object:
the name of each check with what went wrong, or ``null``.

Environment: ``BASE_URL``, ``API_KEY``, ``MODEL``, and ``UPSTREAM`` where the model's upstream is a simulator, which can
be asked what reached it.
"""

# A script without pytest: `pytest.raises` is not to be had.
# ruff: noqa: PT017

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import traceback
import urllib.request
from collections.abc import Callable
from typing import Any

import openai
from pydantic import BaseModel

BASE_URL, API_KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
MODEL = os.environ["MODEL"]
UPSTREAM = os.environ.get("UPSTREAM")

client = openai.OpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0, timeout=30)
create: Callable[..., Any] = client.chat.completions.create

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


def seen() -> dict[str, Any]:
    """The body of the last request as the upstream got it."""
    with urllib.request.urlopen(f"{UPSTREAM}/simulator/last", timeout=10) as answer:  # noqa: S310 - loopback
        body: dict[str, Any] = json.load(answer)["body"]
        return body


def refused(kind: type[openai.APIError], **arguments: Any) -> Any:
    """Call, and demand an exception of exactly this class."""
    try:
        answer = create(**{"model": MODEL, "messages": HELLO} | arguments)
        if arguments.get("stream"):
            list(answer)
    except openai.APIError as error:
        assert type(error) is kind, f"{type(error).__name__}: {error}"
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def check_plain() -> None:
    answer = create(model=MODEL, messages=HELLO)
    assert answer.object == "chat.completion"
    assert answer.model == MODEL, answer.model
    assert answer.choices[0].message.role == "assistant"
    assert "amber basin" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def check_stream_says_the_same() -> None:
    chunks = list(create(model=MODEL, messages=HELLO, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == create(model=MODEL, messages=HELLO).choices[0].message.content
    assert len(chunks) > 2
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.model for chunk in chunks} == {MODEL}
    assert len({chunk.id for chunk in chunks}) == 1


def check_usage_only_where_asked() -> None:
    plain = list(create(model=MODEL, messages=HELLO, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in plain)
    refusing = list(create(model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": False}))
    assert all(chunk.choices and chunk.usage is None for chunk in refusing)
    asking = list(create(model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}))
    assert asking[-1].choices == []
    assert asking[-1].usage.completion_tokens == create(model=MODEL, messages=HELLO).usage.completion_tokens
    assert all(chunk.choices and chunk.usage is None for chunk in asking[:-1])


def check_stream_helper() -> None:
    with client.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds, kinds
    assert final.choices[0].message.content == create(model=MODEL, messages=HELLO).choices[0].message.content


def check_tool() -> None:
    question = [{"role": "user", "content": "Use get_weather please"}]
    answer = create(model=MODEL, messages=question, tools=[tool("get_weather")]).choices[0]
    assert answer.finish_reason == "tool_calls"
    (call,) = answer.message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    reply = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    history = [*question, answer.message.model_dump(exclude_none=True), reply]
    final = create(model=MODEL, messages=history, tools=[tool("get_weather")])
    assert final.choices[0].message.content


def check_parallel_tools() -> None:
    question = [{"role": "user", "content": "Use get_weather and get_time"}]
    tools = [tool("get_weather"), tool("get_time")]
    both = create(model=MODEL, messages=question, tools=tools).choices[0].message.tool_calls
    assert [call.function.name for call in both] == ["get_weather", "get_time"]
    assert len({call.id for call in both}) == 2
    one = create(model=MODEL, messages=question, tools=tools, parallel_tool_calls=False).choices[0].message.tool_calls
    assert len(one) == 1


def check_streamed_tool_deltas() -> None:
    question = [{"role": "user", "content": "Use get_weather and get_time"}]
    tools = [tool("get_weather"), tool("get_time")]
    whole = create(model=MODEL, messages=question, tools=tools).choices[0].message.tool_calls
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in create(model=MODEL, messages=question, tools=tools, stream=True):
        for delta in chunk.choices[0].delta.tool_calls or ():
            names[delta.index] = names.get(delta.index, "") + (delta.function.name or "")
            arguments[delta.index] = arguments.get(delta.index, "") + (delta.function.arguments or "")
    assert list(names.values()) == [call.function.name for call in whole]
    assert list(arguments.values()) == [call.function.arguments for call in whole]


def check_json_schema() -> None:
    answer = client.chat.completions.parse(model=MODEL, messages=HELLO, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


def check_images_and_audio() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}},
    ]
    messages = [{"role": "user", "content": parts}]
    assert create(model=MODEL, messages=messages).choices[0].message.content
    if UPSTREAM:
        assert seen()["messages"] == messages


def check_several_choices() -> None:
    answer = create(model=MODEL, messages=HELLO, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    indexes = {chunk.choices[0].index for chunk in create(model=MODEL, messages=HELLO, n=3, stream=True)}
    assert indexes == {0, 1, 2}


def check_logprobs() -> None:
    answer = create(model=MODEL, messages=HELLO, logprobs=True, top_logprobs=2).choices[0]
    assert "".join(token.token for token in answer.logprobs.content) == answer.message.content
    assert all(len(token.top_logprobs) == 2 for token in answer.logprobs.content)


def check_stop() -> None:
    whole = create(model=MODEL, messages=HELLO).choices[0].message.content
    word = whole.split()[8]
    stopped = create(model=MODEL, messages=HELLO, stop=[word]).choices[0]
    assert stopped.message.content == whole[: whole.index(word)]
    assert stopped.finish_reason == "stop"


def check_ceiling() -> None:
    answer = create(model=MODEL, messages=HELLO, max_completion_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 5


def check_seed() -> None:
    first = create(model=MODEL, messages=HELLO, seed=7)
    assert first.choices[0].message.content == create(model=MODEL, messages=HELLO, seed=7).choices[0].message.content
    if UPSTREAM:
        assert seen()["seed"] == 7


def check_reasoning_effort() -> None:
    answer = create(model=MODEL, messages=HELLO, reasoning_effort="low")
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0
    if UPSTREAM:
        assert seen()["reasoning_effort"] == "low"


def check_unknown_parameters_reach_the_upstream() -> None:
    unheard = {"invented_tomorrow": {"deep": [1, 2.50, None, "\u00e9\U0001f600"]}, "top_k": 40}
    assert create(model=MODEL, messages=HELLO, extra_body=unheard).choices
    if UPSTREAM:
        assert seen() == unheard | {"model": MODEL, "messages": HELLO}


def check_models() -> None:
    listed = {model.id: model for model in client.models.list()}
    assert {MODEL, "azure/gpt-4o"} <= set(listed)
    assert "private" not in listed
    assert "ChatCompletion" in listed[MODEL].model_dump()["operations"]
    one = client.models.retrieve("azure/gpt-4o")
    assert (one.id, one.object) == ("azure/gpt-4o", "model")
    try:
        client.models.retrieve("private")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found"
    else:
        raise AssertionError("a model of another project was shown")


def check_model_with_slash() -> None:
    assert create(model="azure/gpt-4o", messages=HELLO).model == "azure/gpt-4o"


def check_wrong_key() -> None:
    other = openai.OpenAI(base_url=BASE_URL, api_key="sk-wrong", max_retries=0)
    try:
        other.chat.completions.create(model=MODEL, messages=HELLO)
    except openai.AuthenticationError as error:
        assert error.code == "invalid_api_key"
        assert error.request_id
    else:
        raise AssertionError("a wrong key was let in")


def check_refusals() -> None:
    unknown = refused(openai.NotFoundError, model="nobody-knows")
    assert (unknown.code, unknown.param, unknown.type) == ("model_not_found", "model", "invalid_request_error")
    assert unknown.request_id
    wrong = refused(openai.BadRequestError, messages="not a list")
    assert wrong.param == "messages"
    assert wrong.type == "invalid_request_error"


def check_upstream_errors() -> None:
    def order(**orders: Any) -> dict[str, Any]:
        return {"extra_body": {"simulator": orders}}

    limited = refused(openai.RateLimitError, **order(status=429, retry_after=2))
    assert limited.response.headers["retry-after"] == "2"
    assert limited.request_id
    refused(openai.RateLimitError, stream=True, **order(status=429))
    refused(openai.InternalServerError, **order(status=500))
    refused(openai.BadRequestError, **order(status=400))
    refused(openai.InternalServerError, **order(html=True))
    refused(openai.InternalServerError, stream=True, **order(cut_after=0))


def check_failures_inside_streams_are_raised() -> None:
    for orders in ({"error_in_stream": 3}, {"cut_after": 3}):
        error = refused(openai.APIError, stream=True, extra_body={"simulator": orders})
        assert error.message, orders


def check_request_ids() -> None:
    assert create(model=MODEL, messages=HELLO)._request_id
    named = create(model=MODEL, messages=HELLO, extra_headers={"X-Request-Id": "mine-1"})
    assert named._request_id == "mine-1"
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO, stream=True)
    assert raw.headers["x-request-id"]
    assert raw.headers["content-type"].startswith("text/event-stream")
    assert list(raw.parse())


def check_async_client() -> None:
    async def both() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0) as other:
            ask: Callable[..., Any] = other.chat.completions.create
            whole = await ask(model=MODEL, messages=HELLO)
            pieces = [
                chunk.choices[0].delta.content or ""
                async for chunk in await ask(model=MODEL, messages=HELLO, stream=True)
            ]
            return whole.choices[0].message.content, "".join(pieces)

    whole, streamed = asyncio.run(both())
    assert whole == streamed


def main() -> None:
    found: dict[str, str | None] = {}
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            try:
                check()
                found[name] = None
            except Exception:  # noqa: BLE001 - whatever a client raises is the result
                found[name] = traceback.format_exc(limit=-3)
    json.dump({"version": openai.__version__, "checks": found}, sys.stdout)


if __name__ == "__main__":
    main()
