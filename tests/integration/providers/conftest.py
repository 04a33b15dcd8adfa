"""Upstreams and an adapter for the tests of LiteLLM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.aimock import aimock

USAGE = {"prompt_tokens": 11, "completion_tokens": 9, "total_tokens": 20}
TEXT = "Hi there! I am a mock, at your service today."


def error(said: str, status: int, message: str, kind: str, **response: Any) -> dict[str, Any]:
    """A fixture that refuses the calls that say a word."""
    body = {"error": {"message": message, "type": kind}, "status": status} | response
    return {"match": {"userMessage": said}, "response": body}


FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"userMessage": "weather"},
        "response": {
            "toolCalls": [
                {"id": "call_1", "name": "get_weather", "arguments": {"city": "Porto"}},
                {"id": "call_2", "name": "get_weather", "arguments": {"city": "Lisbon"}},
            ],
            "usage": {"prompt_tokens": 40, "completion_tokens": 12, "total_tokens": 52},
        },
    },
    error("limited", 429, "Slow down, please.", "rate_limit_error", retryAfter=7),
    error("broken", 500, "Something broke.", "server_error"),
    error("key", 401, "Invalid key sk-upstream-0123456789", "authentication_error"),
    error("wrong", 400, "That makes no sense.", "invalid_request_error"),
    {
        "match": {"userMessage": "cut"},
        "response": {"content": TEXT * 3, "usage": USAGE},
        "truncateAfterChunks": 4,
        "latency": 20,
    },
    {"match": {"userMessage": "hello"}, "response": {"content": TEXT, "usage": USAGE}},
]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with aimock(tmp_path_factory.mktemp("aimock"), FIXTURES) as url:
        yield url
