"""Legacy completions: a prompt instead of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai

from tests.e2e.clients.harness import ClientSetup, order, refused

OPERATION = "completions"

PROMPT = "Tell me about the amber basin"


def caller(setup: ClientSetup) -> Callable[..., Any]:
    """Call with a default model, prompt and more than the default of 16 tokens."""
    create = setup.client.completions.create
    return lambda **members: create(**{"model": setup.model(), "prompt": PROMPT, "max_tokens": 200, **members})


def check_plain(setup: ClientSetup) -> None:
    answer = caller(setup)()
    assert answer.object == "text_completion"
    assert answer.model == setup.model(), answer.model
    (choice,) = answer.choices
    assert len(choice.text) > 20
    assert choice.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def check_stream_says_the_same(setup: ClientSetup) -> None:
    create = caller(setup)
    chunks = list(create(stream=True))
    assert len(chunks) > 2
    assert "".join(chunk.choices[0].text for chunk in chunks) == create().choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.model for chunk in chunks} == {setup.model()}
    assert all(chunk.usage is None for chunk in chunks)


def check_usage_only_where_asked(setup: ClientSetup) -> None:
    create = caller(setup)
    chunks = list(create(stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == create().usage.completion_tokens
    assert all(chunk.choices and chunk.usage is None for chunk in chunks[:-1])


def check_several_prompts_and_choices(setup: ClientSetup) -> None:
    create = caller(setup)
    assert [choice.index for choice in create(prompt=[PROMPT, "And the other one?"]).choices] == [0, 1]
    assert [choice.index for choice in create(n=3).choices] == [0, 1, 2]
    assert {chunk.choices[0].index for chunk in create(n=2, stream=True)} == {0, 1}


def check_prompts_of_tokens(setup: ClientSetup) -> None:
    answer = caller(setup)(prompt=[1, 2, 3, 4, 5])
    assert answer.choices[0].text
    assert answer.usage.prompt_tokens == 5
    if setup.upstream:
        assert setup.seen()["body"]["prompt"] == [1, 2, 3, 4, 5]


def check_ceiling(setup: ClientSetup) -> None:
    for tokens in (5, None):
        answer = caller(setup)(max_tokens=tokens)
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == (tokens or 16), "the default is 16"


def check_failures_inside_streams_are_raised(setup: ClientSetup) -> None:
    for orders in ({"error_in_stream": 3}, {"cut_after": 3}):
        assert refused(openai.APIError, caller(setup), stream=True, **order(**orders)).message, orders
