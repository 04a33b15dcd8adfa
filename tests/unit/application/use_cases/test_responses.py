"""Responses: what is read from the body, what it counts, and how a stream ends with an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from application.use_cases.responses import RESPONSES, failed_code, failure
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.estimates import AUDIO_TOKENS, IMAGE_TOKENS
from domain.usage import Usage

ERROR = {"message": "It broke.", "type": "api_error", "param": None, "code": None}
CREATED: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "status": "in_progress",
    "output": [],
    "error": None,
    "model": "m",
}


def read(**members: object) -> Call:
    given = {"model": "m", "input": "hi"} | members
    fields = {name: json.dumps(value).encode() for name, value in given.items() if value is not ...}
    return RESPONSES.read(fields, "r")


def event(kind: str, number: int, **more: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **more})}\n\n".encode()


def said(block: bytes) -> dict[str, Any]:
    name, _, data = block.decode().removesuffix("\n\n").partition("\n")
    value: dict[str, Any] = json.loads(data.removeprefix("data: "))
    assert name == f"event: {value['type']}"
    return value


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ...}, "model"),
        ({"input": ...}, "input"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": {"role": "user"}}, "input"),
        ({"stream": "true"}, "stream"),
        ({"background": 1}, "background"),
    ],
)
def test_what_is_refused(members: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(**members)
    assert caught.value.param == param


@pytest.mark.parametrize("name", ["previous_response_id", "prompt", "conversation"])
def test_what_can_stand_in_place_of_input(name: str) -> None:
    assert read(**{"input": ..., name: "x"}).model == "m"


def test_what_is_read() -> None:
    call = read(stream=True, background=True, tools=[{"type": "web_search"}], user="alice")
    assert (call.stream, call.background, call.end_user) == (True, True, "alice")
    call = read(tools=[])
    assert (call.stream, call.background, call.end_user) == (False, False, None)


@pytest.mark.parametrize(
    ("members", "tokens"),
    [
        ({"input": "12345678"}, 2),
        ({"input": "1234", "instructions": "12345"}, 3),
        ({"input": [{"role": "user", "content": "12345678"}]}, 2),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "12345678"}]}]}, 2),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x" * 999}]}]}, IMAGE_TOKENS),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "x" * 999}]}]}, IMAGE_TOKENS),
        ({"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, AUDIO_TOKENS),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}12"}]}, 2),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "12345678"}]}, 2),
        ({"input": [{"type": "reasoning", "encrypted_content": "x" * 99, "summary": [{"text": "1234"}]}]}, 1),
        ({"input": [5, None, "text", {"type": ["odd"], "content": 7}]}, 0),
        ({"input": "", "tools": [{"type": "function"}]}, 6),
        ({"input": ..., "prompt": {"id": "p"}}, 0),
    ],
)
def test_what_went_in(members: dict[str, object], tokens: int) -> None:
    assert RESPONSES.estimate_input(read(**members)) == Usage(input_tokens=tokens)


@pytest.mark.parametrize(
    ("output", "tokens"),
    [
        ([{"type": "message", "content": [{"type": "output_text", "text": "12345678"}]}], 2),
        ([{"type": "message", "content": [{"type": "refusal", "refusal": "1234"}]}], 1),
        ([{"type": "function_call", "name": "look", "arguments": "{}12"}], 2),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "1234"}]}], 1),
        ([{"type": "image_generation_call", "result": "x" * 9999}], 0),
        ("odd", 0),
        (None, 0),
    ],
)
def test_what_came_out(output: object, tokens: int) -> None:
    assert RESPONSES.estimate_output(read(), json.dumps({"output": output}).encode()) == Usage(output_tokens=tokens)


@pytest.mark.parametrize("body", [b"", b"[]", b"[" * 100_000])
def test_what_is_no_response_counts_nothing(body: bytes) -> None:
    assert RESPONSES.estimate_output(read(), body) == Usage()


def test_a_failure_is_the_response_that_was_begun_under_the_next_number() -> None:
    opening = event("response.created", 0, response=CREATED) + event("response.in_progress", 1, response=CREATED)
    text = 'I quote {"sequence_number": 99}'
    latest = event("response.output_text.delta", 6, delta="a") + event("response.output_text.delta", 7, delta=text)
    ended = said(failure(opening, latest, ERROR))
    assert ended == {
        "type": "response.failed",
        "sequence_number": 8,
        "response": CREATED | {"status": "failed", "error": {"code": "server_error", "message": "It broke."}},
    }
    assert said(failure(opening, opening, ERROR | {"code": "rate_limit_exceeded"}))["response"]["error"] == {
        "code": "rate_limit_exceeded",
        "message": "It broke.",
    }
    assert said(failure(opening, b": ping\n\n", ERROR))["sequence_number"] == 2


@pytest.mark.parametrize(
    "opening", [b"", b": ping\n\n", b"data: [DONE]\n\n", b'data: {"type":"response.created","response":5}\n\n', b"\xff"]
)
def test_a_failure_where_no_response_was_seen(opening: bytes) -> None:
    ended = said(failure(opening, opening, ERROR))
    assert ended["sequence_number"] == 0
    assert ended["response"]["status"] == "failed"
    assert ended["response"]["output"] == []


@pytest.mark.parametrize(
    ("response", "code"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "m"}}, "server_error"),
        ({"status": "failed", "error": None}, "server_error"),
        ({"status": "failed", "error": {"code": "free text of an upstream"}}, "server_error"),
        ({"status": "completed", "output": [{"type": "web_search_call", "status": "failed"}]}, None),
        ({"status": "incomplete"}, None),
        ({}, None),
    ],
)
def test_a_failed_response_names_its_code(response: dict[str, object], code: str | None) -> None:
    assert failed_code(json.dumps(response).encode()) == code
    created = event("response.created", 0, response=CREATED)
    assert failed_code(created + event("response.failed", 1, response=response)) == code
    assert failed_code(b'{"status": "failed"') is None
