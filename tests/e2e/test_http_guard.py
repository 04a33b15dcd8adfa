"""Requests that are HTTP all right, but that a parser trips over: the port stands them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping

import pytest

from infra.controllers.uvicorn_compat import LARGEST_HEAD
from tests.fakes.llmproxy_server import LLMProxy
from tests.fakes.raw_http import exchange, request

CHAT = "/v1/chat/completions"
GOOD = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]}


def chat(server: LLMProxy, body: Mapping[str, object], **headers: str) -> bytes:
    text = json.dumps(body).encode()
    given = {"authorization": f"Bearer {server.key}", "content-length": str(len(text))}
    return request("POST", CHAT, given | headers) + text


def test_a_wish_for_http_2_is_ignored(server: LLMProxy) -> None:
    """Java's client wishes for it in every request to a plain HTTP address, ``curl --http2`` too."""
    wish = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAEAAEAAAAIAAAAA"}
    wishing = chat(server, GOOD, **wish)
    chunked = request("POST", CHAT, {"authorization": f"Bearer {server.key}", "transfer-encoding": "chunked"} | wish)
    text = json.dumps(GOOD).encode()
    assert exchange(server.port, wishing).status_code == 200
    assert exchange(server.port, wishing[:-20], wishing[-20:]).status_code == 200
    assert exchange(server.port, chunked, b"%x\r\n%s\r\n" % (len(text), text), b"0\r\n\r\n").status_code == 200
    assert exchange(server.port, request("GET", "/health", wish)).status_code == 200


def test_the_connection_serves_on_after_such_a_wish(server: LLMProxy) -> None:
    wishing = chat(server, GOOD, connection="Upgrade", upgrade="websocket")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as caller:
        caller.sendall(wishing * 2 + chat(server, GOOD))
        received = b""
        while received.count(b'"usage"') < 3:
            piece = caller.recv(65_536)
            assert piece
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\nhost: ",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-trailer: ",
    ],
)
def test_a_head_without_end_is_refused(server: LLMProxy, beginning: bytes) -> None:
    """Nobody has shown a key yet, so nobody may fill our memory."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as caller:
        caller.sendall(beginning)
        time.sleep(0.2)  # so that what is sent next is read apart
        caller.sendall(b"a" * LARGEST_HEAD)
        received = b""
        while piece := caller.recv(65_536):
            received += piece
    head, _, body = received.rpartition(b"\r\n\r\n")
    assert b"HTTP/1.1 431" in head
    assert b"x-request-id: req_" in head
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}


def test_hanging_up_with_two_requests_under_way_ends_the_first_ones_upstream_call(server: LLMProxy) -> None:
    stalling = {"model": "wire", "messages": GOOD["messages"], "simulator": {"stall_after": 0}}
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as caller:
        caller.sendall(chat(server, stalling) + chat(server, GOOD))
        _wait_for_busy(server, 1)
    _wait_for_busy(server, 0)


def _wait_for_busy(server: LLMProxy, wanted: int) -> None:
    deadline = time.monotonic() + 5
    while server.health()["upstreams"]["connections_busy"] != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)
