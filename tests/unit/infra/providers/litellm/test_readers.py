"""The two readers of streams that we repair, and the counting of usage."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from domain.usage import Usage
from infra.providers.litellm.patches.cohere_chat import CohereEndError, CohereEvents
from infra.providers.litellm.patches.gemini_stream_end import end_missing, is_end, watch_end
from infra.providers.litellm.usage import larger, openai_usage, usage_of


async def lines(*given: str) -> AsyncIterator[str]:
    for line in given:
        yield line


async def test_cohere_text_end_and_usage() -> None:
    events = CohereEvents(
        lines(
            "event: content-delta",
            'data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"type":"text","text":"Hi"}}}}',
            "",
            'data: {"type":"message-end","delta":{"finish_reason":"MAX_TOKENS",'
            '"usage":{"billed_units":{"input_tokens":5,"output_tokens":4},"tokens":{"input_tokens":11,"output_tokens":9}}}}',
            "data: [DONE]",
        )
    )
    text, end = [chunk async for chunk in events]
    assert text["text"] == "Hi"
    assert not text["is_finished"]
    assert (end["is_finished"], end["finish_reason"]) == (True, "length")
    assert end["usage"] == {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}


async def test_cohere_parallel_tools() -> None:
    def event(kind: str, call: str) -> str:
        return f'data: {{"type":"{kind}","delta":{{"message":{{"tool_calls":{call}}}}}}}'

    events = CohereEvents(
        lines(
            event("tool-call-start", '{"id":"a","function":{"name":"f","arguments":""}}'),
            event("tool-call-delta", '{"function":{"arguments":"{}"}}'),
            event("tool-call-start", '{"id":"b","function":{"name":"g","arguments":""}}'),
        )
    )
    tools = [chunk["tool_use"] async for chunk in events]
    assert [(tool["index"], tool["id"], tool["function"]["name"]) for tool in tools] == [
        (0, "a", "f"),
        (0, None, None),
        (1, "b", "g"),
    ]
    assert tools[1]["function"]["arguments"] == "{}"


async def test_cohere_error_at_the_end_is_no_answer() -> None:
    events = CohereEvents(lines('data: {"type":"message-end","delta":{"finish_reason":"ERROR","error":"broke"}}'))
    with pytest.raises(CohereEndError):
        await anext(events)


def test_gemini_end() -> None:
    assert is_end({"candidates": [{"finishReason": "STOP"}]})
    assert is_end({"promptFeedback": {"blockReason": "SAFETY"}})
    assert not is_end({"candidates": [{"content": {}}]})
    assert not is_end({"usageMetadata": {}})


def test_gemini_reader_remembers_its_own_end() -> None:
    class Reader:
        def chunk_parser(self, chunk: dict[str, object]) -> str:
            return f"parsed {len(chunk)}"

    watch_end(Reader)
    watch_end(Reader)
    one, other = Reader(), Reader()
    assert one.chunk_parser({"candidates": [{"finishReason": "STOP"}]}) == "parsed 1"
    assert not end_missing(one)
    assert end_missing(other)
    assert not end_missing(object())


def test_usage_parts_are_inside_their_totals() -> None:
    reported = {
        "prompt_tokens": 325,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 200, "cache_creation_tokens": 100, "audio_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 7, "audio_tokens": 2, "image_tokens": 3},
    }
    usage = usage_of(reported)
    assert usage == Usage(
        input_tokens=325,
        output_tokens=20,
        cached_input_tokens=200,
        cache_write_tokens=100,
        reasoning_tokens=7,
        audio_input_tokens=5,
        audio_output_tokens=2,
        image_output_tokens=3,
    )
    assert usage is not None
    shown = openai_usage(usage)
    assert shown["total_tokens"] == 345
    assert shown["prompt_tokens_details"] == {"cached_tokens": 200, "audio_tokens": 5, "cache_write_tokens": 100}
    assert shown["completion_tokens_details"] == {"reasoning_tokens": 7, "audio_tokens": 2, "image_tokens": 3}


def test_zeros_are_no_report() -> None:
    assert usage_of({"prompt_tokens": 0, "completion_tokens": 0}) is None
    assert usage_of(None) is None


def test_reports_of_one_stream_complete_each_other() -> None:
    start, end = Usage(input_tokens=25, output_tokens=1), Usage(input_tokens=25, output_tokens=30, reasoning_tokens=4)
    assert larger(start, end) == end
    assert larger(None, end) == end
    assert larger(start, None) == start
