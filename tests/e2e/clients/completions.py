"""Legacy completions: a prompt, no messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai

from tests.e2e.clients.harness import AsgiApp, order, refused

OPERATION = "completions"

PROMPT = "Tell me about the amber basin"


def caller(door: AsgiApp) -> Callable[..., Any]:
    """Calls with a model, a prompt, and more room than the 16 tokens of old, unless others are given."""
    create = door.client.completions.create
    return lambda **members: create(**{"model": door.model(), "prompt": PROMPT, "max_tokens": 200, **members})


def check_plain(door: AsgiApp) -> None:
    answer = caller(door)()
    assert answer.object == "text_completion"
    assert answer.model == door.model(), answer.model
    (choice,) = answer.choices
    assert len(choice.text) > 20
    assert choice.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def check_stream_says_the_same(door: AsgiApp) -> None:
    create = caller(door)
    chunks = list(create(stream=True))
    assert len(chunks) > 2
    assert "".join(chunk.choices[0].text for chunk in chunks) == create().choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.model for chunk in chunks} == {door.model()}
    assert all(chunk.usage is None for chunk in chunks)


def check_usage_only_where_asked(door: AsgiApp) -> None:
    create = caller(door)
    chunks = list(create(stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == create().usage.completion_tokens
    assert all(chunk.choices and chunk.usage is None for chunk in chunks[:-1])


def check_several_prompts_and_choices(door: AsgiApp) -> None:
    create = caller(door)
    assert [choice.index for choice in create(prompt=[PROMPT, "And the other one?"]).choices] == [0, 1]
    assert [choice.index for choice in create(n=3).choices] == [0, 1, 2]
    assert {chunk.choices[0].index for chunk in create(n=2, stream=True)} == {0, 1}


def check_prompts_of_tokens(door: AsgiApp) -> None:
    answer = caller(door)(prompt=[1, 2, 3, 4, 5])
    assert answer.choices[0].text
    assert answer.usage.prompt_tokens == 5
    if door.upstream:
        assert door.seen()["body"]["prompt"] == [1, 2, 3, 4, 5]


def check_ceiling(door: AsgiApp) -> None:
    for tokens in (5, None):
        answer = caller(door)(max_tokens=tokens)
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == (tokens or 16), "the default is 16"


def check_failures_inside_streams_are_raised(door: AsgiApp) -> None:
    for orders in ({"error_in_stream": 3}, {"cut_after": 3}):
        assert refused(openai.APIError, caller(door), stream=True, **order(**orders)).message, orders
