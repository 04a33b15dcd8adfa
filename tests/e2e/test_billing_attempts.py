"""The attempts at upstreams in the ledger, and the charges for them: real server, real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import httpx
import pytest

from tests.fakes.every_operation import EVERYTHING, attempts_of, line_of
from tests.fakes.llmproxy_server import LLMProxy, upstream
from tests.fakes.upstream_script import ScriptedUpstream, answer

IMAGE_PRICE = 80_000_000_000  # units of 10^-12 USD
COSTS = {"currency": "USD", "cost_image": 0.08, "cost_input_1Mtokens": 1, "cost_output_1Mtokens": 2}
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "0123456789ab"}]}
COMPLETION = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
    }
).encode()
IMAGES = json.dumps({"created": 1, "data": [{"b64_json": "aGk="}] * 4}).encode()
CUT = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n" + IMAGES[:40]
HUGE = 40_000_000
"""Bytes of a body that no socket buffer takes at once."""


class KeepAlive:
    """Answers the first request of each connection; what follows decides about the second one.

    Args:
        read_all: read the second request, instead of only its head, before the connection is closed.
    """

    def __init__(self, *, read_all: bool) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._read_all = read_all
        self.requests = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader, suppress(OSError, ValueError):
            self._request(reader, body=True)
            connection.sendall(answer(COMPLETION, headers=b""))
            self._request(reader, body=self._read_all)

    def _request(self, reader: Any, *, body: bool) -> None:
        length = 0
        while (line := reader.readline()) not in {b"\r\n", b""}:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.requests += bool(length)
        if body:
            reader.read(length)

    def close(self) -> None:
        self._listener.close()


class LateUsage(KeepAlive):
    """Streams an answer to its end, and reports its usage a moment later."""

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader, suppress(OSError, ValueError):
            self._request(reader, body=True)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
            connection.sendall(event({"delta": {"role": "assistant", "content": "hi"}, "finish_reason": None}))
            connection.sendall(event({"delta": {}, "finish_reason": "stop"}))
            time.sleep(0.8)
            connection.sendall(event(usage={"prompt_tokens": 1234, "completion_tokens": 20_000}))
            connection.sendall(b"data: [DONE]\n\n")


def event(*choices: dict[str, Any], **members: Any) -> bytes:
    """Return an event of a chat's stream."""
    listed = [{"index": 0, **choice} for choice in choices]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": listed} | members
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


class Roomy(LLMProxy):
    """Takes bodies that no socket buffer takes at once."""

    max_body_bytes = 2 * HUGE


class Upstreams(ExitStack):
    """Everything that the models of this module are served by."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.enter_context(ScriptedUpstream())
        self.second = self.enter_context(ScriptedUpstream())
        self.silent = self.enter_context(socket.create_server(("127.0.0.1", 0)))
        """Accepts connections, and never reads from them."""
        self.breaks = self.enter_context(closing(KeepAlive(read_all=True)))
        self.stale = self.enter_context(closing(KeepAlive(read_all=False)))
        self.late = self.enter_context(closing(LateUsage(read_all=True)))


@pytest.fixture(scope="module")
def upstreams() -> Iterator[Upstreams]:
    with Upstreams() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Iterator[LLMProxy]:
    def document(name: str, endpoint: str, **over: object) -> dict[str, object]:
        return upstream(name, endpoint, costs=COSTS, operations=EVERYTHING) | over

    silent = f"http://127.0.0.1:{upstreams.silent.getsockname()[1]}/v1"
    made = Roomy(
        tmp_path_factory.mktemp("attempts"),
        document("silent", silent),
        document("alone", f"{upstreams.first.url}/v1"),
        document("pair-1", f"{upstreams.first.url}/v1", code="pair", priority=1),
        document("pair-2", f"{upstreams.second.url}/v1", code="pair", priority=2),
        document("breaks", upstreams.breaks.url),
        document("stale", upstreams.stale.url),
        document("late", upstreams.late.url),
    )
    yield made
    assert "Traceback" not in made.logs()
    assert "internal error" not in made.logs()
    made.stop()


def post(proxy: LLMProxy, path: str, request_id: str, timeout: float = 30, **members: Any) -> httpx.Response:
    headers = {"api-key": proxy.key, "x-request-id": request_id}
    return httpx.post(f"{proxy.url}/v1/{path}", json=members, headers=headers, timeout=timeout)


def settled(proxy: LLMProxy, request_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the line of a call, with its exposure, and the details of its attempts."""
    line = line_of(proxy, request_id)
    return line, attempts_of(line)


def test_nothing_is_charged_for_a_request_that_was_never_answered(proxy: LLMProxy) -> None:
    with pytest.raises(httpx.ReadTimeout):
        post(proxy, "images/generations", "silent", 1, model="silent", prompt="a cat", n=10, quality="hd")
    line, (attempt,) = settled(proxy, "silent")
    assert (line["status"], line["usage_source"], line["images"], line["cost_units"]) == (499, "partial", 0, 0)
    assert line["exposure_units"] == 10 * IMAGE_PRICE
    assert (attempt["status"], attempt["error"], attempt["usage_source"]) == (None, "caller_gone", None)
    assert attempt["bytes_sent"] > 100
    assert (attempt["bytes_received"], attempt["delivered"]) == (0, 0)
    assert 500 < attempt["milliseconds"] < 10_000


def test_nothing_is_exposed_by_a_request_that_was_not_sent_completely(proxy: LLMProxy) -> None:
    messages = [{"role": "user", "content": "x" * HUGE}]
    with pytest.raises(httpx.ReadTimeout):
        post(proxy, "chat/completions", "unsent", 3, model="silent", messages=messages)
    line, (attempt,) = settled(proxy, "unsent")
    assert (line["status"], line["input_tokens"], line["cost_units"], line["exposure_units"]) == (499, 0, 0, 0)
    assert 0 < attempt["bytes_sent"] < HUGE


def test_an_answer_that_is_cut_is_charged_as_partial(proxy: LLMProxy, upstreams: Upstreams) -> None:
    with upstreams.first.answering(CUT, then="close"):
        response = post(proxy, "images/generations", "cut", model="alone", prompt="a cat", n=4)
    assert response.status_code == 502
    line, (attempt,) = settled(proxy, "cut")
    assert (line["usage_source"], line["images"], line["cost_units"]) == ("partial", 4, 4 * IMAGE_PRICE)
    assert (attempt["status"], attempt["error"], attempt["usage_source"]) == (200, "upstream_protocol", "partial")
    assert (attempt["bytes_received"], attempt["delivered"]) == (len(CUT), 0)


def test_an_answer_that_is_cut_stands_beside_the_one_that_replaced_it(proxy: LLMProxy, upstreams: Upstreams) -> None:
    with upstreams.first.answering(CUT, then="close"), upstreams.second.answering(answer(IMAGES), then="close"):
        response = post(proxy, "images/generations", "replaced", model="pair", prompt="a cat", n=4)
    assert response.status_code == 200
    line, (first, second) = settled(proxy, "replaced")
    assert (line["document_id"], line["images"], line["usage_source"]) == ("pair-2", 4, "measured")
    assert (line["cost_units"], line["exposure_units"]) == (4 * IMAGE_PRICE, 8 * IMAGE_PRICE)
    assert (first["document"], first["status"], first["usage_source"]) == ("pair-1", 200, "partial")
    assert (second["document"], second["status"], second["usage_source"]) == ("pair-2", 200, "measured")
    assert (first["error"], second["error"]) == ("upstream_protocol", None)
    assert (first["delivered"], second["delivered"]) == (0, len(response.content))


def test_an_upstream_that_refuses_costs_nothing(proxy: LLMProxy, upstreams: Upstreams) -> None:
    busy = answer(b'{"error":{"message":"busy"}}', status=b"503 Busy")
    with upstreams.first.answering(busy, then="close"), upstreams.second.answering(answer(COMPLETION), then="close"):
        assert post(proxy, "chat/completions", "refused", model="pair", **CHAT).status_code == 200
    line, (first, second) = settled(proxy, "refused")
    assert line["exposure_units"] == line["cost_units"] == 5 * 10**6 + 2 * 10**6
    assert (first["status"], first["exposure_units"], second["exposure_units"]) == (503, 0, line["cost_units"])


def test_a_request_that_was_sent_completely_is_not_sent_again(proxy: LLMProxy, upstreams: Upstreams) -> None:
    assert post(proxy, "chat/completions", "breaks-1", model="breaks", **CHAT).status_code == 200
    assert post(proxy, "chat/completions", "breaks-2", model="breaks", **CHAT).status_code == 502
    line, (attempt,) = settled(proxy, "breaks-2")
    assert (upstreams.breaks.requests, line["cost_units"], attempt["status"]) == (2, 0, None)
    assert line["exposure_units"] > 0


def test_a_request_that_is_sent_again_counts_twice(proxy: LLMProxy, upstreams: Upstreams) -> None:
    messages = [{"role": "user", "content": "x" * HUGE}]
    assert post(proxy, "chat/completions", "stale-1", model="stale", **CHAT).status_code == 200
    assert post(proxy, "chat/completions", "stale-2", 60, model="stale", messages=messages).status_code == 200
    line, (first, second) = settled(proxy, "stale-2")
    assert (line["attempts"], upstreams.stale.requests) == (2, 3)
    assert (first["error"], first["exposure_units"]) == ("connection_closed", 0)
    assert first["bytes_sent"] < HUGE < second["bytes_sent"]


def test_usage_that_follows_the_text_is_read_although_the_caller_has_left(proxy: LLMProxy) -> None:
    headers = {"api-key": proxy.key, "x-request-id": "late"}
    body = CHAT | {"model": "late", "stream": True}
    with httpx.stream("POST", f"{proxy.url}/v1/chat/completions", json=body, headers=headers) as response:
        for text in response.iter_lines():
            if '"stop"' in text:
                break
    line, (attempt,) = settled(proxy, "late")
    assert (line["status"], line["usage_source"]) == (499, "partial")
    assert (line["input_tokens"], line["output_tokens"]) == (1234, 20_000)
    assert attempt["milliseconds"] < 2500
