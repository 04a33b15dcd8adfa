"""The engine for chat."""

import json
from typing import Any

import pytest

from infra.simulator.chat import Completion, complete
from infra.simulator.errors import SimulatedError


def ask(text: Any = "Hello there", tokens: int | None = None, **members: Any) -> Completion:
    return complete({"model": "m", "messages": [{"role": "user", "content": text}], **members}, tokens)


def content(completion: Completion, index: int = 0) -> str:
    found = completion.choices[index].content
    assert found is not None
    return found


def test_the_same_request_gets_the_same_answer() -> None:
    assert ask() == ask()
    assert ask("Hello here").id != ask().id
    assert content(ask("Hello here")) != content(ask())


def test_other_parameters_do_not_change_the_text() -> None:
    assert ask(user="u", temperature=0.3, novelty={"a": 1}).choices == ask().choices


def test_the_seed_and_the_model_change_the_text() -> None:
    texts = {content(ask()), content(ask(seed=1)), content(ask(seed=2)), content(ask(model="other"))}
    assert len(texts) == 4


def test_the_answer_quotes_the_question_and_its_length_depends_on_it() -> None:
    lengths = set()
    for number in range(40):
        completion = ask(f"question {number}")
        assert f'"question {number}"' in content(completion)
        assert len(content(completion)) == 4 * completion.usage.output_tokens
        lengths.add(completion.usage.output_tokens)
    assert min(lengths) >= 20
    assert max(lengths) <= 60
    assert len(lengths) > 5


@pytest.mark.parametrize("tokens", [0, 1, 2, 500, 12345])
def test_a_requested_length_is_exact(tokens: int) -> None:
    completion = ask(tokens=tokens)
    assert completion.usage.output_tokens == tokens
    assert len(content(completion)) == 4 * tokens


def test_too_much_text_is_rejected() -> None:
    with pytest.raises(SimulatedError) as caught:
        ask(tokens=1_000_000, n=2)
    assert caught.value.param == "n"


def test_too_many_log_probabilities_are_rejected() -> None:
    with pytest.raises(SimulatedError) as caught:
        ask(tokens=10_000, logprobs=True, top_logprobs=20)
    assert caught.value.param == "logprobs"
    assert ask(tokens=10_000, logprobs=True).top_logprobs == 0


def test_n_answers_differ_and_add_up() -> None:
    completion = ask(n=3)
    assert len({choice.content for choice in completion.choices}) == 3
    assert completion.choices[0] == ask().choices[0]
    assert completion.usage.output_tokens == sum(-(-choice.characters // 4) for choice in completion.choices)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_cuts_the_text(name: str) -> None:
    completion = ask(**{name: 7})
    assert completion.choices[0].finish_reason == "length"
    assert content(completion) == content(ask())[:28]
    assert completion.usage.output_tokens == 7
    assert ask(**{name: 1000}).choices[0].finish_reason == "stop"


def test_the_text_ends_before_a_stop_sequence() -> None:
    text = content(ask("one END two"))
    assert " END " in text
    completion = ask("one END two", stop=["nowhere", "END"])
    assert content(completion) == text[: text.index("END")]
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.output_tokens == -(-len(content(completion)) // 4)


@pytest.mark.parametrize(("effort", "tokens"), [("none", 0), ("minimal", 0), ("low", 16), ("medium", 32), ("high", 64)])
def test_reasoning_is_part_of_the_output(effort: str, tokens: int) -> None:
    plain, thought = ask().usage, ask(reasoning_effort=effort).usage
    assert thought.reasoning_tokens == tokens
    assert thought.output_tokens == plain.output_tokens + tokens


def test_reasoning_counts_towards_max_tokens() -> None:
    completion = ask(reasoning_effort="high", max_completion_tokens=40)
    assert (completion.usage.output_tokens, completion.usage.reasoning_tokens) == (40, 40)
    assert content(completion) == ""
    assert completion.choices[0].finish_reason == "length"


def test_input_counts_text_images_audio_and_tools() -> None:
    parts = [
        {"type": "text", "text": "x" * 41},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}},
        {"type": "input_audio", "input_audio": {"data": "B" * 5000, "format": "wav"}},
    ]
    usage = ask(parts).usage
    assert usage.input_tokens == 11 + 85 + 100
    assert usage.audio_input_tokens == 100
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert (
        ask(parts, tools=tools).usage.input_tokens
        == -(-(41 + len(json.dumps(tools, separators=(",", ":")))) // 4) + 185
    )


def test_different_images_get_different_answers() -> None:
    def seen(url: str) -> str:
        return content(ask([{"type": "image_url", "image_url": {"url": url}}]))

    assert seen("https://example.com/a.png") != seen("https://example.com/b.png")


@pytest.mark.parametrize(("before", "cached"), [(1300, 1280), (1023, 896), (1020, 0), (1024, 1024)])
def test_long_prompts_are_cached_except_their_last_message(before: int, cached: int) -> None:
    messages = [{"role": "system", "content": "s" * 4 * before}, {"role": "user", "content": "abcd"}]
    usage = complete({"model": "m", "messages": messages}).usage
    assert usage.input_tokens == before + 1
    assert usage.cached_input_tokens == cached


def test_a_long_last_message_is_not_cached() -> None:
    assert ask("x" * 8000).usage.cached_input_tokens == 0


def test_json_object_is_json() -> None:
    assert isinstance(json.loads(content(ask(response_format={"type": "json_object"}))), dict)


def test_json_schema_is_satisfied() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    completion = ask(response_format=wanted)
    assert isinstance(json.loads(content(completion))["a"], int)
    assert completion.usage.output_tokens == -(-len(content(completion)) // 4)
