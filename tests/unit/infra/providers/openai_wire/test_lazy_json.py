from __future__ import annotations

import json

import pytest

from infra.providers.openai_wire.lazy_json import replace_lone_surrogates
from infra.providers.openai_wire.stream.chat_events import ChatEvents
from infra.providers.openai_wire.usage_readers import UsageParser
from infra.providers.reported_usage import UnknownMembers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"a\ud83d"', '"a\\ufffd"'),
        (r'"\ude00a"', '"\\ufffda"'),
        (r'"\ud83d\ud83d\ude00"', '"\\ufffd\\ud83d\\ude00"'),
        (r'"\uD83D\uDE00 \u00e9 \n"', r'"\uD83D\uDE00 \u00e9 \n"'),
        (r'"\\ud83d"', r'"\\ud83d"'),
        (r'"\ud83', r'"\ud83'),
        ('"\\', '"\\'),
    ],
)
def test_lone_surrogates_are_replaced(text: str, expected: str) -> None:
    assert replace_lone_surrogates(text.encode()).decode() == expected


@pytest.mark.parametrize("keep_usage", [False, True])
def test_a_chunk_with_a_lone_surrogate_is_relayed(*, keep_usage: bool) -> None:
    chunk = rb'data: {"choices":[{"index":0,"delta":{"content":"\ud83d"}}]%s}' + b"\n\n"
    events = ChatEvents(UsageParser("OpenAI", UnknownMembers()), keep_usage=keep_usage)
    assert events.feed(chunk % b"") == chunk % b""
    looked_into = events.feed(chunk % rb', "error": null, "usage": null')
    assert events.failure is None
    assert ("usage" in json.loads(looked_into[6:])) is keep_usage


def test_broken_json_stays_a_failure() -> None:
    events = ChatEvents(UsageParser("OpenAI", UnknownMembers()), keep_usage=False)
    assert events.feed(b'data: {"choices":["\\ud83d"\n\n') == b""
    assert events.failure is not None
