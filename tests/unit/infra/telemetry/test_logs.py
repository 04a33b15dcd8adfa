from __future__ import annotations

import asyncio
import io
import json
import logging
from pathlib import Path

import pytest

from infra.telemetry.access_log import AccessLog
from infra.telemetry.log_file import LogFile
from infra.telemetry.log_formats import JsonFormatter, TextFormatter, mask, text_line
from infra.telemetry.logs import LogOutput


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
    assert entry["timestamp"] == "1970-01-01T00:00:01.500+00:00"
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
    log = AccessLog(LogOutput(stream))
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
    log = AccessLog(LogOutput(stream))
    stream.close()
    log({"request_id": "r"})
    log.flush()


def test_text_lines_are_for_people_and_control_no_terminal() -> None:
    line = TextFormatter().format(record("two\nlines\x1b[2J", project="a b", empty=None, key="sk-0123456789abcdef"))
    assert line == '00:00:01.500 WARNING two\\nlines\\x1b[2J  [llmproxy.test] project="a b" key=sk-0123***'


def test_the_message_of_a_request_is_not_repeated_in_its_text() -> None:
    entry = {"timestamp": "2026-11-21T12:00:00.000+00:00", "level": "info", "logger": "llmproxy.access"}
    entry |= {"message": "GET /x 200", "request_id": "r", "method": "GET", "path": "/x", "status_code": "200"}
    assert text_line(entry) == "12:00:00.000 INFO    GET /x 200  [llmproxy.access] request_id=r"


async def test_a_renamed_log_file_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "proxy.log"
    file = LogFile(path)
    file.write("one\n")
    file.close()  # writes what waits; later lines are written at once
    path.rename(tmp_path / "proxy.log.1")
    file.write("two\n")
    path.unlink()
    file.write("three\n")
    assert (tmp_path / "proxy.log.1").read_text() == "one\n"
    assert path.read_text() == "three\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert file.dropped == 0
