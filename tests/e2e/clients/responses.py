"""Responses: plain, streamed, with tools, with reasoning, with files."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import openai
from pydantic import BaseModel

from tests.e2e.clients.harness import ClientSetup, order, refused

OPERATION = "responses"

HELLO = "Tell me about the amber basin"
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather somewhere",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


class City(BaseModel):
    """A structured answer."""

    name: str
    inhabitants: int
    capital: bool


def caller(setup: ClientSetup) -> Callable[..., Any]:
    """Call with a default model and question."""
    create = setup.client.responses.create
    return lambda **members: create(**{"model": setup.model(), "input": HELLO, **members})


def in_order(events: list[Any]) -> bool:
    """Return whether events are numbered consecutively from the first on."""
    numbers = [event.sequence_number for event in events]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def check_plain(setup: ClientSetup) -> None:
    answer = caller(setup)()
    assert answer.id.startswith("resp_")
    assert (answer.object, answer.status, answer.model) == ("response", "completed", setup.model())
    assert "amber basin" in answer.output_text
    assert answer.output[-1].type == "message"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0


def check_stream_says_the_same(setup: ClientSetup) -> None:
    create = caller(setup)
    events = list(create(stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert in_order(events)
    whole = events[-1].response
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == whole.output_text == create().output_text
    assert len({event.response.id for event in events if hasattr(event, "response")}) == 1
    assert whole.model == setup.model()
    assert whole.usage.output_tokens > 0


def check_stream_helper(setup: ClientSetup) -> None:
    with setup.client.responses.stream(model=setup.model(), input=HELLO) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert {"response.created", "response.output_text.delta", "response.output_text.done"} <= set(kinds)
    assert kinds[-1] == "response.completed"
    assert final.output_text == caller(setup)().output_text


def check_structured_output(setup: ClientSetup) -> None:
    answer = setup.client.responses.parse(model=setup.model(), input=HELLO, text_format=City)
    assert isinstance(answer.output_parsed, City)
    with setup.client.responses.stream(model=setup.model(), input=HELLO, text_format=City) as stream:
        assert stream.get_final_response().output_parsed == answer.output_parsed


def check_tools_round_trip(setup: ClientSetup) -> None:
    create = caller(setup)
    question = [{"role": "user", "content": "Use get_weather please"}]
    first = create(input=question, tools=[TOOL])
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert call.name == "get_weather"
    assert isinstance(json.loads(call.arguments)["city"], str)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    history = [*question, *(item.model_dump(exclude_none=True) for item in first.output), result]
    assert create(input=history, tools=[TOOL]).output_text
    assert create(input=[result], previous_response_id=first.id, tools=[TOOL]).output_text


def check_streamed_tool_deltas(setup: ClientSetup) -> None:
    create = caller(setup)
    question = "Use get_weather please"
    (whole,) = [item for item in create(input=question, tools=[TOOL]).output if item.type == "function_call"]
    events = list(create(input=question, tools=[TOOL], stream=True))
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert "".join(deltas) == whole.arguments
    (done,) = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert done.arguments == whole.arguments
    assert in_order(events)


def check_previous_response(setup: ClientSetup) -> None:
    create = caller(setup)
    first = create()
    second = create(input="And then?", previous_response_id=first.id)
    assert second.previous_response_id == first.id != second.id
    if setup.upstream:
        assert setup.seen()["body"]["previous_response_id"] != first.id, "the upstream knows it by another id"
    assert second.usage.input_tokens > create(input="And then?").usage.input_tokens
    events = list(create(input="And then?", previous_response_id=second.id, stream=True))
    assert events[-1].response.previous_response_id == second.id
    error = refused(openai.BadRequestError, create, previous_response_id="resp_unheard_of")
    assert (error.code, error.param) == ("previous_response_not_found", "previous_response_id")


def check_encrypted_reasoning(setup: ClientSetup) -> None:
    create = caller(setup)
    asked: dict[str, Any] = {
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    question = {"role": "user", "content": HELLO}
    first = create(input=[question], **asked)
    assert first.usage.output_tokens_details.reasoning_tokens > 0
    (reasoning,) = [item for item in first.output if item.type == "reasoning"]
    assert reasoning.encrypted_content
    items = [item.model_dump(exclude_none=True) for item in first.output]
    assert create(input=[question, *items, question], **asked).output_text
    if setup.upstream:
        (sent,) = [item for item in setup.seen()["body"]["input"] if item.get("type") == "reasoning"]
        assert sent["encrypted_content"] in reasoning.encrypted_content
        assert "llmproxy" not in sent["encrypted_content"]


def check_images_and_files(setup: ClientSetup) -> None:
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": data_url("image/png", b"\x89PNG not really"), "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": data_url("application/pdf", b"%PDF not really")},
    ]
    messages = [{"role": "user", "content": content}]
    assert caller(setup)(input=messages).output_text
    if setup.upstream:
        assert setup.seen()["body"]["input"] == messages


def data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def check_ceiling(setup: ClientSetup) -> None:
    answer = caller(setup)(max_output_tokens=16)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == 16
    events = list(caller(setup)(max_output_tokens=16, stream=True))
    assert events[-1].type == "response.incomplete"


def check_unknown_parameters_reach_the_upstream(setup: ClientSetup) -> None:
    unheard = {"invented_tomorrow": {"deep": [1, 2.50, None, "\u00e9\U0001f600"]}}
    assert caller(setup)(extra_body=unheard).output_text
    if setup.upstream:
        assert setup.seen()["body"] == unheard | {"model": setup.model(), "input": HELLO}


def check_failures_inside_streams_are_its_last_event(setup: ClientSetup) -> None:
    for orders in ({"error_in_stream": 6}, {"cut_after": 6}):
        events = list(caller(setup)(stream=True, **order(**orders)))
        assert events[-1].type == "response.failed", orders
        assert events[-1].response.status == "failed"
        assert events[-1].response.error.message
        assert in_order(events), [event.sequence_number for event in events]


def check_async_client(setup: ClientSetup) -> None:
    async def both() -> tuple[str, str]:
        async with setup.asynchronous() as client:
            asked = {"model": setup.model(), "input": HELLO}
            whole = await client.responses.create(**asked)
            events = [event async for event in await client.responses.create(**asked, stream=True)]
            return whole.output_text, events[-1].response.output_text

    whole, streamed = asyncio.run(both())
    assert whole == streamed
