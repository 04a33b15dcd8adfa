"""Legacy completions: whole and streamed say the same."""

import json
from typing import Any

import pytest

from infra.simulator.completions import plan
from infra.simulator.errors import SimulatedError
from infra.simulator.reply import Pieces, Reply, Request, Whole


def planned(*, stream: bool = False, tokens: int | None = None, **members: Any) -> Reply:
    return plan(Request({"model": "m", "prompt": "hi there", **members}, 17, stream=stream, tokens=tokens))


def whole(**members: Any) -> dict[str, Any]:
    answer = planned(**members).answer
    assert isinstance(answer, Whole)
    return json.loads(answer.body())  # type: ignore[no-any-return]  # any JSON


def chunks(**members: Any) -> list[tuple[dict[str, Any], int]]:
    answer = planned(stream=True, **members).answer
    assert isinstance(answer, Pieces)
    assert answer.closing == b"data: [DONE]\n\n"
    return [(json.loads(event[6:]), characters) for event, characters in answer.events]


def test_a_complete_answer() -> None:
    body = whole()
    assert body["object"] == "text_completion"
    assert (body["created"], body["model"]) == (17, "m")
    (choice,) = body["choices"]
    assert choice == {"text": choice["text"], "index": 0, "logprobs": None, "finish_reason": "length"}
    assert body["usage"] == {"prompt_tokens": 2, "completion_tokens": 16, "total_tokens": 18}
    assert whole() == body != whole(seed=1)


@pytest.mark.parametrize(
    "members",
    [
        {"prompt": ["one", "two"], "n": 2},
        {"echo": True, "logprobs": 2},
        {"stop": "hi", "max_tokens": 100},
        {"prompt": [[1, 2], [3]]},
        {"prompt": None},
    ],
)
def test_a_stream_has_the_content_of_the_complete_answer(members: dict[str, Any]) -> None:
    body, events = whole(**members), chunks(**members)
    for choice in body["choices"]:
        parts = [each for chunk, _ in events for each in chunk["choices"] if each["index"] == choice["index"]]
        assert "".join(part["text"] for part in parts) == choice["text"]
        assert [part["finish_reason"] for part in parts][-1] == choice["finish_reason"]
    assert -(-sum(characters for _, characters in events) // 4) == body["usage"]["completion_tokens"]


def test_choices_of_several_prompts() -> None:
    body = whole(prompt=["one", "two"], n=2, echo=True)
    assert [choice["text"][:3] for choice in body["choices"]] == ["one", "one", "two", "two"]
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2, 3]
    assert len({choice["text"] for choice in body["choices"]}) == 4


def test_every_text_of_best_of_counts() -> None:
    assert whole(best_of=3)["usage"]["completion_tokens"] == 48
    assert len(whole(best_of=3)["choices"]) == 1


def test_log_probabilities_have_offsets() -> None:
    chances, text = whole(echo=True, logprobs=2)["choices"][0]["logprobs"], whole(echo=True)["choices"][0]["text"]
    assert "".join(chances["tokens"]) == text
    assert [text[at:][: len(token)] for at, token in zip(chances["text_offset"], chances["tokens"], strict=True)] == (
        chances["tokens"]
    )
    assert all(len(each) == 2 for each in chances["top_logprobs"])


def test_the_usage_chunk_is_sent_on_request_only() -> None:
    assert all("usage" not in chunk for chunk, _ in chunks())
    *events, last = [chunk for chunk, _ in chunks(stream_options={"include_usage": True})]
    assert last["choices"] == []
    assert last["usage"] == whole()["usage"]
    assert all(chunk["usage"] is None for chunk in events)


def test_lengths() -> None:
    assert whole(tokens=40)["usage"]["completion_tokens"] == 40
    assert whole(tokens=40, max_tokens=7)["usage"]["completion_tokens"] == 7
    assert whole(max_tokens=0, echo=True)["choices"][0]["text"] == "hi there"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"n": 0}, "n"),
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"echo": "yes"}, "echo"),
        ({"prompt": {}}, "prompt"),
        ({"suffix": 5}, "suffix"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stream_options": {}}, "stream_options"),
        ({"tokens": 1_000_000, "n": 2}, "n"),
    ],
)
def test_wrong_members(members: dict[str, Any], param: str) -> None:
    with pytest.raises(SimulatedError) as caught:
        planned(**members)
    assert (caught.value.status, caught.value.param) == (400, param)
