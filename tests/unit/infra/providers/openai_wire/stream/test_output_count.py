"""Counting what was delivered, from the events that were relayed."""

from __future__ import annotations

from typing import Any

import pytest

from infra.providers.openai_wire.stream.output_count import OutputCount, chat_text, typed_text
from tests.fakes.chat_upstream import DONE, chunk, event


def counted(*deltas: Any) -> int:
    count = OutputCount(chat_text)
    for delta in deltas:
        count.add(event(chunk(choices=[{"index": 0, "delta": delta}])))
    return count.tokens()


def test_text_of_every_kind_counts() -> None:
    assert counted({"content": "abcd"}, {"content": "efgh"}) == 2
    assert counted({"refusal": "abcd"}) == 1
    assert counted({"reasoning_content": "abcdefgh"}) == 2
    assert counted({"reasoning": "abcdefgh", "reasoning_content": "abcdefgh"}) == 2
    assert counted({"audio": {"data": "AAAAAAAAAAAA", "transcript": "abcd"}}) == 1
    assert counted({"tool_calls": [{"index": 0, "function": {"name": "find", "arguments": '{"a"'}}]}) == 2
    assert counted({"function_call": {"name": "find", "arguments": None}}) == 1


def test_characters_count_not_bytes_and_not_chunks() -> None:
    assert counted(*[{"content": "é"}] * 8) == 2


def test_several_choices_count() -> None:
    count = OutputCount(chat_text)
    count.add(event(chunk(choices=[{"delta": {"content": "abcd"}}, {"delta": {"content": "abcd"}}])))
    assert count.tokens() == 2


def test_reading_twice_counts_once() -> None:
    count = OutputCount(chat_text)
    count.add(event(chunk("abcd")))
    assert count.tokens() == 1
    count.add(event(chunk("abcd")))
    assert count.tokens() == 2
    assert count.tokens() == 2


def test_unreadable_events_count_nothing() -> None:
    count = OutputCount(chat_text)
    for block in (
        b": ping\n\n",
        b"data: {broken\n\n",
        b'data: {"choices":"x"}\n\n',
        b'data: {"choices":null}\n\n',
        DONE,
    ):
        count.add(block)
    assert count.tokens() == 0
    assert not count.finished()


def test_broken_characters_are_not_counted_and_break_nothing() -> None:
    for reader in (chat_text, typed_text):
        count = OutputCount(reader)
        count.add(b'data: {"delta":"\xe2\x82","choices":[{"delta":{"content":"\xe2\x82"}}]}\n\n')
        count.add(b'data: {"delta":"abcd","choices":[{"delta":{"content":"abcd"}}]}\n\n')
        assert count.tokens() == 1


def test_the_size_of_unread_blocks_is_bounded() -> None:
    count = OutputCount(chat_text)
    block = event(chunk("abcd"))
    for _ in range(5000):
        count.add(block)
        assert sum(map(len, count._blocks)) <= 64 * 1024
    assert count.tokens() == 5000


def test_a_finish_reason_is_kept_after_its_block_was_read() -> None:
    count = OutputCount(chat_text)
    count.add(event(chunk(finish="stop")))
    for _ in range(1000):
        count.add(event(chunk("abcd")))
    assert count.finished()


def test_events_of_responses_and_transcripts_count_by_their_deltas() -> None:
    count = OutputCount(typed_text)
    for kind in (
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.reasoning_summary_text.delta",
        "response.audio.transcript.delta",
        "transcript.text.delta",
    ):
        count.add(f"event: {kind}\n".encode() + event({"type": kind, "delta": "abcd", "obfuscation": "abcdefgh"}))
    for other in (
        {"type": "response.audio.delta", "delta": "AAAAAAAA"},
        {"type": "response.output_text.done", "text": "abcdefgh"},
        {"type": "response.created", "response": {"delta": 1}},
        {"type": "x", "delta": {"content": "abcd"}},
    ):
        count.add(event(other))
    assert count.tokens() == 5


@pytest.mark.parametrize("ending", ["item", "response"])
def test_a_response_without_deltas_counts_by_its_complete_texts(ending: str) -> None:
    events = [
        {"type": "response.output_text.done", "text": "abcdefgh"},
        {"type": "response.function_call_arguments.done", "arguments": '{"a":"bc"}'},
        {"type": "response.output_item.done", "item": {"content": [{"type": "output_text", "text": "abcdefgh"}]}},
    ]
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "abcd"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "abcdefgh"}]},
        {"type": "custom_tool_call", "input": "abcd"},
    ]
    completed = {"type": "response.completed", "response": {"output": output}}
    count = OutputCount(typed_text)
    for each in [completed] if ending == "response" else events:
        count.add(event(each))
    assert count.tokens() == (4 if ending == "response" else 5)


def test_legacy_completions_count_by_their_text() -> None:
    count = OutputCount(chat_text)
    count.add(event({"choices": [{"index": 0, "text": "abcd"}, {"index": 1, "text": "efgh", "finish_reason": "stop"}]}))
    assert count.tokens() == 2
    assert count.finished()
