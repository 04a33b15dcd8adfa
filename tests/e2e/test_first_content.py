"""Streams that fail before their first content: a plain error, and the next deployment answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.fakes.chat_upstream import DONE, chunk, event
from tests.fakes.every_operation import client_of, line_of, post
from tests.fakes.llmproxy_server import LLMProxy, Simulator, upstream
from tests.fakes.upstream_script import ScriptedUpstream

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
COMMENT = b": OPENROUTER PROCESSING\n\n"
ROLE = event(chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]))
FILTERS = event(chunk(choices=[], prompt_filter_results=[]))
ERROR = event({"error": {"code": 502, "message": "provider is down"}})


def typed(kind: str, **members: object) -> bytes:
    return f"event: {kind}\n".encode() + event({"type": kind, **members})


def response(status: str, **members: object) -> dict[str, object]:
    return {"id": "resp_1", "object": "response", "status": status, "output": [], "usage": None, **members}


CREATED = typed("response.created", sequence_number=0, response=response("in_progress", error=None))
ITEM = typed("response.output_item.added", sequence_number=1, output_index=0, item={"type": "message", "content": []})
FAILED = typed(
    "response.failed",
    sequence_number=2,
    response=response("failed", error={"code": "insufficient_quota", "message": "m"}),
)
SERVER_ERROR = typed(
    "response.failed", sequence_number=2, response=response("failed", error={"code": "server_error", "message": "m"})
)
ERROR_EVENT = typed("error", code="insufficient_quota", message="m", param=None, sequence_number=2)


class Failure(NamedTuple):
    """A stream that fails before its first content.

    Attributes:
        name: of the model whose first deployment fails so.
        path: of the operation.
        pieces: sent after the head.
        then: what the upstream does next.
        status: of the error if there is no other deployment.
        code: of that error.
    """

    name: str
    path: str
    pieces: list[bytes]
    then: str
    status: int
    code: str | None = None


CHAT = "chat/completions"
FAILURES = [
    Failure("comment-error", CHAT, [COMMENT, ERROR], "close", 502),
    Failure("role-error", CHAT, [COMMENT + COMMENT, ROLE, FILTERS + ERROR], "close", 502),
    Failure("reset", CHAT, [COMMENT, ROLE], "reset", 502, "upstream_protocol"),
    Failure("end", CHAT, [COMMENT, ROLE], "close", 502, "upstream_protocol"),
    Failure("broken", CHAT, [ROLE, b"data: {broken\n\n"], "close", 502, "upstream_protocol"),
    Failure("response-error", "responses", [CREATED, ERROR_EVENT], "close", 503, "upstream_quota"),
    Failure("response-failed", "responses", [CREATED + ITEM, FAILED], "close", 503, "upstream_quota"),
    Failure("server-error", "responses", [CREATED, SERVER_ERROR], "close", 500, "server_error"),
    Failure("response-reset", "responses", [CREATED, COMMENT], "reset", 502, "upstream_protocol"),
]


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, scripted: ScriptedUpstream
) -> Iterator[LLMProxy]:
    operations = ["ChatCompletion", "Responses"]
    names = [failure.name for failure in FAILURES]
    made = LLMProxy(
        tmp_path_factory.mktemp("first"),
        upstream("single", f"{scripted.url}/v1", operations=operations),
        *[upstream(name, f"{scripted.url}/v1", id=f"{name}-1", priority=0, operations=operations) for name in names],
        *[upstream(name, simulator.url, id=f"{name}-2", priority=1, operations=operations) for name in names],
    )
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with client_of(proxy) as made:
        yield made


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_the_next_deployment_answers(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream, failure: Failure
) -> None:
    called = scripted.connections
    with scripted.answering(HEAD, *failure.pieces, then=failure.then, pause=0.1):
        taken = post(client, failure.path, failure.name, stream=True)
        assert scripted.connections == called + 1
        alone = post(client, failure.path, "single", stream=True)
    assert taken.status_code == 200, taken.text
    assert '"error":{' not in taken.text
    line = line_of(proxy, taken.headers["x-request-id"])
    assert (line["document_id"], line["status"]) == (f"{failure.name}-2", 200)
    assert (alone.status_code, alone.json()["error"]["code"]) == (failure.status, failure.code)


def test_a_request_that_the_model_refuses_is_answered_as_the_upstream_does(
    client: httpx.Client, proxy: LLMProxy, scripted: ScriptedUpstream
) -> None:
    """Another deployment would refuse it as well."""
    refused = response("failed", error={"code": "invalid_prompt", "message": "m"})
    failed = typed("response.failed", sequence_number=2, response=refused)
    with scripted.answering(HEAD, CREATED, failed, then="close"):
        taken = post(client, "responses", "single", stream=True)
    assert taken.status_code == 200
    assert [json.loads(line[6:])["type"] for line in taken.text.splitlines() if line.startswith("data: ")] == [
        "response.created",
        "response.failed",
    ]
    line = line_of(proxy, taken.headers["x-request-id"])
    assert (line["status"], line["error"]) == (502, "invalid_prompt")


def test_nothing_is_held_back_for_longer_than_two_seconds(client: httpx.Client, scripted: ScriptedUpstream) -> None:
    rest = event(chunk("hello")) + event(chunk(finish="stop")) + DONE
    pieces = [HEAD, COMMENT, *[COMMENT] * 8, rest]
    with scripted.answering(*pieces, then="close", pause=0.5):
        started = time.monotonic()
        body = {"model": "single", "messages": [], "stream": True}
        with client.stream("POST", "/chat/completions", json=body) as taken:
            head = time.monotonic() - started
            text = "".join(taken.iter_text())
        assert time.monotonic() - started > 4
    assert 2 <= head < 3.5
    assert text == (COMMENT * 9 + rest).decode()


def test_content_is_relayed_at_once(client: httpx.Client, scripted: ScriptedUpstream) -> None:
    with scripted.answering(HEAD + ROLE, event(chunk("hello")), then="wait", pause=0.3):
        started = time.monotonic()
        body = {"model": "single", "messages": [], "stream": True}
        with client.stream("POST", "/chat/completions", json=body) as taken:
            assert next(taken.iter_bytes()).startswith(ROLE + event(chunk("hello")))
        assert time.monotonic() - started < 1.5
