"""Answers written down: whole and as events say the same."""

import json
from typing import Any

import pytest

from infra.simulator.chat import complete
from infra.simulator.chat_completions import events, plan, whole
from infra.simulator.faults import Faults
from infra.simulator.reply import Ending, Pieces, Request, plan_stream

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]


def completion(text: str = "Hello", tokens: int | None = None, **members: Any) -> Any:
    return complete({"model": "m", "messages": [{"role": "user", "content": text}], **members}, tokens)


def chunks_of(made: Any, *, with_usage: bool = False) -> list[tuple[dict[str, Any], int]]:
    found = []
    for event, characters in events(made, 17, with_usage=with_usage):
        assert event.startswith(b"data: ")
        assert event.endswith(b"}\n\n")
        assert event.count(b"\n") == 2
        found.append((json.loads(event[6:]), characters))
    return found


def joined(chunks: list[tuple[dict[str, Any], int]], index: int = 0) -> str:
    parts = [choice for chunk, _ in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(part["delta"].get("content") or "" for part in parts)


def test_a_complete_answer() -> None:
    body = json.loads(whole(completion(tokens=5), 17))
    assert body == {
        "id": body["id"],
        "object": "chat.completion",
        "created": 17,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": 'You asked: "Hello"..', "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 2,
            "completion_tokens": 5,
            "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_simulator01",
    }
    assert body["id"].startswith("chatcmpl-")
    assert "usage" not in json.loads(whole(completion(), 17, with_usage=False))


def test_one_token_in_each_chunk() -> None:
    made = completion('grüße 😀\n"quoted"', tokens=9)
    chunks = chunks_of(made)
    assert [characters for _, characters in chunks] == [0, *[4] * 9, 0]
    assert all(len(chunk["choices"][0]["delta"]["content"]) == 4 for chunk, _ in chunks[1:-1])
    assert joined(chunks) == made.choices[0].content
    assert chunks[0][0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert chunks[-1][0]["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    assert all("usage" not in chunk for chunk, _ in chunks)
    heads = [{key: value for key, value in chunk.items() if key != "choices"} for chunk, _ in chunks]
    assert all(head == heads[0] for head in heads)
    assert set(heads[0]) == {"id", "object", "created", "model", "service_tier", "system_fingerprint"}


def test_the_last_chunk_has_the_usage_and_the_others_null() -> None:
    made = completion()
    chunks = [chunk for chunk, _ in chunks_of(made, with_usage=True)]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == json.loads(whole(made, 17))["usage"]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


@pytest.mark.parametrize(
    "members",
    [{}, {"n": 3}, {"max_tokens": 3}, {"n": 2, "tools": TOOLS}, {"response_format": {"type": "json_object"}}],
)
def test_the_chunks_add_up_to_the_usage(members: dict[str, Any]) -> None:
    made = completion("get_weather and get_time", **members)
    chunks = chunks_of(made)
    assert -(-sum(characters for _, characters in chunks) // 4) == made.usage.output_tokens
    for index, choice in enumerate(made.choices):
        assert joined(chunks, index) == (choice.content or "")


def test_choices_alternate() -> None:
    chunks = chunks_of(completion(n=2, tokens=3))
    assert [chunk["choices"][0]["index"] for chunk, _ in chunks] == [0, 1] * 5


def test_tool_calls_are_streamed_as_name_and_arguments() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}, TOOLS[1]]
    made = completion("get_weather and get_time", tools=tools)
    deltas = [chunk["choices"][0]["delta"] for chunk, _ in chunks_of(made)]
    assert deltas[0]["content"] is None
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    for index, call in enumerate(made.choices[0].calls):
        first, *rest = [each for each in calls if each["index"] == index]
        assert first == {
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }
        assert "".join(each["function"]["arguments"] for each in rest) == call.arguments
        assert all(len(each["function"]["arguments"]) <= 4 for each in rest)


def test_legacy_functions_are_streamed_as_function_call() -> None:
    made = completion("get_time", functions=[{"name": "get_time"}])
    message = json.loads(whole(made, 17))["choices"][0]["message"]
    assert message["function_call"] == {"name": "get_time", "arguments": "{}"}
    assert "tool_calls" not in message
    deltas = [chunk["choices"][0]["delta"] for chunk, _ in chunks_of(made)]
    assert deltas[1:3] == [
        {"function_call": {"name": "get_time", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]


@pytest.mark.parametrize("top", [None, 0, 1, 5])
def test_log_probabilities(top: int | None) -> None:
    made = completion("ünï", tokens=6, logprobs=True, **({} if top is None else {"top_logprobs": top}))
    found = json.loads(whole(made, 17))["choices"][0]["logprobs"]
    assert found["refusal"] is None
    assert "".join(each["token"] for each in found["content"]) == made.choices[0].content
    for each in found["content"]:
        assert each["logprob"] <= 0
        assert bytes(each["bytes"]).decode() == each["token"]
        assert len(each["top_logprobs"]) == (top or 0)
        assert len({other["token"] for other in each["top_logprobs"]}) == (top or 0)
    streamed = [choice["logprobs"] for chunk, _ in chunks_of(made) for choice in chunk["choices"]]
    assert [each for part in streamed if part for each in part["content"]] == found["content"]


@pytest.mark.parametrize(
    ("faults", "count", "ending"),
    [
        (Faults(), 7, Ending.COMPLETE),
        (Faults(cut_after=3), 3, Ending.CUT),
        (Faults(cut_after=0), 0, Ending.CUT),
        (Faults(cut_after=100), 7, Ending.CUT),
        (Faults(stall_after=4, cut_after=5), 4, Ending.STALL),
        (Faults(error_in_stream=2), 2, Ending.ERROR),
        (Faults(malformed=True), 1, Ending.MALFORMED),
    ],
)
def test_the_earliest_fault_ends_the_stream(faults: Faults, count: int, ending: Ending) -> None:
    made = plan_stream(events(completion(tokens=5), 17, with_usage=False), faults)
    assert made.ending is ending
    assert len(list(made.events)) == count


def test_the_usage_chunk_can_be_omitted() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "a"}], "stream_options": {"include_usage": True}}
    answer = plan(Request({**body, "stream": True}, 17, stream=True, with_usage=False)).answer
    assert isinstance(answer, Pieces)
    assert b'"usage"' not in b"".join(event for event, _ in answer.events)
