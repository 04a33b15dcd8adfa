from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest

from infra.telemetry.logs import AccessLog, JsonFormatter, mask


@pytest.mark.parametrize(
    "text",
    [
        "key sk-abcd1234567890abcdef is bad",
        "Authorization: Bearer abcdefghijklmnop1234",
        'headers {"api-key": "0123456789abcdef0123456789abcdef"}',
        "x-api-key=0123456789abcdef0123456789abcdef",
        "api_key: 'AbC0123456789abcdef/+=='",
    ],
)
def test_credentials_are_masked(text: str) -> None:
    masked = mask(text)
    for secret in ("1234567890abcdef", "abcdefghijklmnop1234", "0123456789abcdef", "AbC0123456789abcdef"):
        assert secret not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    ["catalogue replaced", "the bearer of bad news", "task-force", "/v1/chat/completions", "risk-averse decisions"],
)
def test_ordinary_text_stays(text: str) -> None:
    assert mask(text) == text


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelname": "WARNING", "name": "llmproxy.test", "created": 1.5})
    vars(made).update(extra)
    return made


def test_a_record_is_one_line_of_json_with_its_extras() -> None:
    line = JsonFormatter().format(record("two\nlines", request_id="req_1", facts={"models": 3}))
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["time"] == "1970-01-01T00:00:01.500+00:00"
    assert (entry["level"], entry["message"], entry["request_id"]) == ("warning", "two\nlines", "req_1")
    assert entry["facts"] == {"models": 3}


def test_an_exception_is_named_but_not_quoted() -> None:
    try:
        int("a very private prompt")
    except ValueError as error:
        made = record("failed", exc_info=(type(error), error, error.__traceback__))
    line = JsonFormatter().format(made)
    assert json.loads(line)["exception"] == "ValueError"
    assert "private" not in line


async def test_access_lines_are_gathered_and_written_together() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    for number in range(3):
        log({"request_id": f"r{number}", "model": "sk-0123456789abcdef" if number else "m"})
    assert stream.getvalue() == ""
    await asyncio.sleep(0.3)
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [entry["request_id"] for entry in entries] == ["r0", "r1", "r2"]
    assert "0123456789abcdef" not in stream.getvalue()
    log({"request_id": "later"})
    log.flush()
    assert "later" in stream.getvalue()


async def test_a_stream_that_is_gone_harms_nobody() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    stream.close()
    log({"request_id": "r"})
    log.flush()
