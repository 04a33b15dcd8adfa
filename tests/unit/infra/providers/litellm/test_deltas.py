"""Streams of every shape become the deltas that OpenAI's clients expect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.providers.litellm.deltas import DeltaReader
from infra.providers.litellm.response_items import InputDecoder, custom_input


class Relation:
    """Stands for one of LiteLLM's choices or deltas."""

    def __init__(self, **members: Any) -> None:
        vars(self).update(members)

    def model_dump(self, **_: object) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


def choice(index: int = 0, finish: str | None = None, **delta: Any) -> Any:
    return Relation(index=index, finish_reason=finish, delta=Relation(**delta), logprobs=None)


def call(index: int, identifier: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    return {"index": index, "id": identifier, "function": {"name": name, "arguments": arguments}}


def assembled(choices: list[Any]) -> tuple[str, list[dict[str, Any]], str | None]:
    """Read a stream as a client does: the text, the tool calls and the finish reason."""
    calls: dict[int, dict[str, Any]] = {}
    reader, text, reason = DeltaReader(), "", None
    for each in choices:
        made = reader.read(each, {})
        if made is None:
            continue
        text += made["delta"].get("content") or ""
        reason = made["finish_reason"] or reason
        for delta in made["delta"].get("tool_calls", ()):
            known = calls.setdefault(delta["index"], {"id": delta.get("id"), "name": "", "arguments": ""})
            known["name"] += delta["function"].get("name") or ""
            known["arguments"] += delta["function"].get("arguments") or ""
    return text, [calls[index] for index in sorted(calls)], reason


@pytest.mark.parametrize("same_index", [False, True])
def test_parallel_calls_stay_apart(same_index: bool) -> None:  # noqa: FBT001 - a parameter of the test
    choices = [
        choice(tool_calls=[call(0, "a", "f", '{"x"')]),
        choice(tool_calls=[call(0, None, None, ":1}")]),
        choice(tool_calls=[call(0 if same_index else 1, "b", "f", '{"x":2}')]),
        choice(tool_calls=[call(0 if same_index else 2, "c", "g", "")]),
        choice(finish="stop"),
    ]
    _, calls, reason = assembled(choices)
    assert [(each["id"], each["name"], each["arguments"]) for each in calls] == [
        ("a", "f", '{"x":1}'),
        ("b", "f", '{"x":2}'),
        ("c", "g", "{}"),
    ]
    assert reason == "tool_calls"


def test_an_id_that_is_repeated_begins_no_other_call() -> None:
    choices = [choice(tool_calls=[call(0, "a", "f", part)]) for part in ("{", "}")]
    _, calls, _ = assembled([*choices, choice(finish="tool_calls")])
    assert [each["arguments"] for each in calls] == ["{}"]


@given(st.text(), st.integers(1, 5))
def test_text_survives_any_split_of_its_utf_16(text: str, size: int) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    pieces = [
        units[start : start + 2 * size].decode("utf-16-le", "surrogatepass") for start in range(0, len(units), 2 * size)
    ]
    read, _, reason = assembled([*(choice(content=piece) for piece in pieces), choice(finish="stop")])
    assert read == text
    assert reason == "stop"


def test_half_a_character_is_replaced() -> None:
    assert assembled([choice(content="x\udcaf")])[0] == "x\ufffd"
    assert assembled([choice(content="x\ud83d"), choice(finish="length")])[0] == "x\ufffd"


def test_each_choice_has_its_own_finish_reason() -> None:
    reader = DeltaReader()
    recorded = {0: "stop", 1: "length"}
    ended = [reader.read(choice(0, "length"), recorded), *reader.unfinished(recorded)]
    assert [(each["index"], each["finish_reason"]) for each in ended if each] == [(0, "stop"), (1, "length")]


@given(st.text(), st.integers(1, 7), st.booleans())
def test_input_of_custom_tools_is_relayed_as_text(text: str, size: int, ascii_only: bool) -> None:  # noqa: FBT001
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    decoder = InputDecoder()
    read = "".join(decoder.read(arguments[start : start + size]) for start in range(0, len(arguments), size))
    assert read == text == custom_input(arguments)


@pytest.mark.parametrize(
    ("arguments", "text"), [("", ""), ("{}", ""), ("plain", "plain"), ('{"a":1}', '{"a":1}'), ("[1]", "[1]")]
)
def test_arguments_of_another_form_are_the_input(arguments: str, text: str) -> None:
    assert custom_input(arguments) == text
