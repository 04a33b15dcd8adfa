"""Responses: what they say, how they stream, and how they are kept."""

import json
from typing import Any

import pytest

from infra.simulator.errors import SimulatedError, simulated_failure
from infra.simulator.reply import Pieces, Reply, Request, Whole
from infra.simulator.responses.create import plan
from infra.simulator.stored_responses import ResponseStore

KEPT = ResponseStore()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "name": name, "parameters": SCHEMA} for name in ("get_weather", "get_time")]


def planned(
    given: Any = "Hello", *, stream: bool = False, tokens: int | None = None, kept: ResponseStore = KEPT, **members: Any
) -> Reply:
    body = {"model": "m", "input": given, "stream": stream, **members}
    return plan(Request(body, 17, stream=stream, tokens=tokens, kept=kept))


def whole(given: Any = "Hello", **members: Any) -> dict[str, Any]:
    made = planned(given, **members)
    assert isinstance(made.answer, Whole)
    made.completed()
    return json.loads(made.answer.body())  # type: ignore[no-any-return]  # any JSON


def streamed(given: Any = "Hello", **members: Any) -> list[dict[str, Any]]:
    made = planned(given, stream=True, **members)
    assert isinstance(made.answer, Pieces)
    blocks = [event for event, _ in made.answer.events] + [made.answer.closing]
    events = []
    for block in blocks:
        name, _, data = block.decode().removeprefix("event: ").partition("\ndata: ")
        events.append(json.loads(data))
        assert events[-1]["type"] == name
    return events


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "id"}


def text_of(body: dict[str, Any]) -> str:
    text: str = body["output"][-1]["content"][0]["text"]
    return text


def test_equal_requests_differ_only_in_their_id() -> None:
    first, second = whole(), whole()
    assert without_id(first) == without_id(second)
    assert first["id"] != second["id"]
    assert (first["status"], first["object"], first["created_at"], first["model"]) == ("completed", "response", 17, "m")
    assert '"Hello"' in text_of(first)
    assert text_of(whole("Other")) != text_of(first) != text_of(whole(instructions="be brief"))
    assert len(text_of(whole(tokens=7))) == 28


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"reasoning": {"effort": "low", "summary": "auto"}},
        {"given": "get_weather and get_time", "tools": TOOLS},
        {"given": "run the shell", "tools": [*TOOLS, {"type": "custom", "name": "shell"}]},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
        {"max_output_tokens": 3},
    ],
)
def test_a_stream_has_the_content_of_the_complete_answer(members: dict[str, Any]) -> None:
    body, events = whole(**members), streamed(**members)
    assert without_id(events[-1]["response"]) == without_id(body)
    assert events[-1]["type"] == f"response.{body['status']}"
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == body["output"]
    for index, item in enumerate(body["output"]):
        said = "".join(event["delta"] for event in events if event.get("output_index") == index and "delta" in event)
        if item["type"] == "message":
            assert said == item["content"][0]["text"]
        elif item["type"] == "function_call":
            assert said == item["arguments"]
        elif item["type"] == "custom_tool_call":
            assert said == item["input"]
        else:
            assert said == item["summary"][0]["text"]
    chances = [each for event in events if event["type"].endswith("text.delta") for each in event.get("logprobs", ())]
    if "include" in members:
        assert chances == body["output"][-1]["content"][0]["logprobs"] != []


def test_an_error_event_has_the_next_number() -> None:
    made = planned(stream=True)
    assert isinstance(made.answer, Pieces)
    assert made.answer.failure is not None
    event = json.loads(made.answer.failure(simulated_failure(502), 5).split(b"data: ")[1])
    assert (event["type"], event["sequence_number"]) == ("response.failed", 5)
    assert event["response"]["status"] == "failed"
    assert set(event["response"]["error"]) == {"code", "message"}


def test_usage() -> None:
    usage = whole(reasoning={"effort": "medium"}, tokens=10)["usage"]
    assert usage == {
        "input_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 42,
        "output_tokens_details": {"reasoning_tokens": 32},
        "total_tokens": 44,
    }
    parts = [
        {"type": "input_text", "text": "what"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    assert whole([{"role": "user", "content": parts}])["usage"]["input_tokens"] == 1 + 85 + 85 + 100
    long = [{"role": "developer", "content": "s" * 6000}, {"role": "user", "content": "and"}]
    assert whole(long)["usage"]["input_tokens_details"]["cached_tokens"] == 1408


def test_tools_are_called_and_their_results_accepted() -> None:
    first = whole("get_weather and get_time", tools=TOOLS)
    assert [item["name"] for item in first["output"]] == ["get_weather", "get_time"]
    assert json.loads(first["output"][0]["arguments"]) == {"city": "text"}
    one = whole("get_weather and get_time", tools=TOOLS, parallel_tool_calls=False)
    assert len(one["output"]) == 1
    forced = whole("nothing", tools=TOOLS, tool_choice={"type": "function", "name": "get_time"})
    assert forced["output"][0]["name"] == "get_time"
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "fine"} for item in first["output"]
    ]
    after = whole(results, tools=TOOLS, previous_response_id=first["id"])
    assert after["output"][0]["type"] == "message"
    with pytest.raises(SimulatedError, match="No tool call found"):
        whole(results)


def test_custom_tools_are_called_with_text_and_their_results_accepted() -> None:
    shell = {"type": "custom", "name": "shell"}
    first = whole("run the shell", tools=[shell], tool_choice={"type": "custom", "name": "shell"})
    (item,) = first["output"]
    assert (item["type"], item["name"]) == ("custom_tool_call", "shell")
    kinds = [event["type"] for event in streamed("run the shell", tools=[shell])]
    assert "response.custom_tool_call_input.delta" in kinds
    assert "response.custom_tool_call_input.done" in kinds
    result = {"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "fine"}
    assert whole([result], tools=[shell], previous_response_id=first["id"])["output"][0]["type"] == "message"
    assert whole([{"role": "user", "content": "Hi"}, item, result], tools=[shell])["output"][0]["type"] == "message"


def test_structured_output() -> None:
    wanted = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}
    assert json.loads(text_of(whole(text=wanted))) == {"city": "text"}
    assert isinstance(json.loads(text_of(whole(text={"format": {"type": "json_object"}}))), dict)


def test_only_own_encrypted_reasoning_is_accepted() -> None:
    first = whole(include=["reasoning.encrypted_content"], store=False)
    reasoning = first["output"][0]
    assert reasoning["type"] == "reasoning"
    assert whole([reasoning, {"role": "user", "content": "more"}])["status"] == "completed"
    with pytest.raises(SimulatedError) as caught:
        whole([{**reasoning, "encrypted_content": "changed." + reasoning["encrypted_content"]}])
    assert caught.value.code == "invalid_encrypted_content"


def test_a_response_can_be_continued() -> None:
    first = whole("Hello", tokens=100)
    second = whole("And then?", previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] == -(-(5 + 400 + 9) // 4)
    assert planned("And then?", previous_response_id=first["id"]).begun.input_tokens == 3
    with pytest.raises(SimulatedError) as caught:
        whole("And then?", previous_response_id="resp_unknown")
    assert (caught.value.status, caught.value.code) == (400, "previous_response_not_found")
    unstored = whole("Hello", store=False)
    with pytest.raises(SimulatedError):
        whole("And then?", previous_response_id=unstored["id"])


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"given": None}, "input"),
        ({"given": []}, "input"),
        ({"given": 5}, "input"),
        ({"given": ["text"]}, "input[0]"),
        ({"given": [{"content": "x"}]}, "input[0].role"),
        ({"given": [{"role": "user"}]}, "input[0].content"),
        ({"given": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "input[0].content[0].type"),
        ({"given": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].image_url"),
        ({"given": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"temperature": 3}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"include": ["everything"]}, "include[0]"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
        ({"background": True, "store": False}, "background"),
        ({"stream_options": {}}, "stream_options"),
        ({"conversation": "c", "previous_response_id": "r"}, "previous_response_id"),
        ({"store": "yes"}, "store"),
    ],
)
def test_wrong_members(members: dict[str, Any], param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        planned(**members)
    assert (caught.value.status, caught.value.param) == (400, param)
