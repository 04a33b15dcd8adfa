"""Callers that open connections, send requests and do not read the responses."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest

from tests.fakes.processes import wait_until
from tests.fakes.raw_http import request
from tests.security.conftest import SEND_TIMEOUT, Victim

CHAT = "/v1/chat/completions"
FLOOD = 2000
TOKENS = 1_000_000
"""Of a response that no socket buffer holds."""


def chat(server: Victim, model: str = "sim", **members: object) -> bytes:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], **members}).encode()
    headers = {"authorization": f"Bearer {server.key}", "content-length": str(len(body))}
    return request("POST", CHAT, headers) + body


def read_all(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def test_unread_pipelined_requests_hold_little_memory(victim: Victim) -> None:
    before = victim.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            attacker = stack.enter_context(victim.connect())
            attacker.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                attacker.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n" * FLOOD)
        time.sleep(1)
        assert victim.memory() - before < 60 << 20
        assert victim.health()["status"] == "ok"


def test_pipelined_requests_within_the_limit_are_served_in_order(victim: Victim) -> None:
    with victim.connect() as caller:
        caller.sendall(b"".join(request("GET", f"/nothing/{number}", {}) for number in range(9)))
        received = b""
        while received.count(b"unknown_url") < 9:
            received += caller.recv(65_536)
    positions = [received.index(b"/nothing/%d" % number) for number in range(9)]
    assert positions == sorted(positions)


def test_pipelined_requests_above_the_limit_close_the_connection_after_the_others(victim: Victim) -> None:
    with victim.connect() as caller:
        caller.sendall(request("GET", "/health", {}) * FLOOD)
        received = read_all(caller)
    assert 9 <= received.count(b"HTTP/1.1 200") < FLOOD
    assert received.count(b"connection: close") == 1
    assert received.endswith(b"}")


@pytest.mark.parametrize("model", ["sim", "wire"])
@pytest.mark.parametrize("kind", ["stream", "whole"])
def test_an_unread_response_is_cut_and_recorded(victim: Victim, model: str, kind: str) -> None:
    lines = sum(row["calls"] for row in victim.usage())
    cuts = victim.health()["connections"]["send_timeouts"]
    with victim.connect() as attacker:
        attacker.sendall(chat(victim, model, stream=kind == "stream", simulator={"tokens": TOKENS}))
        wait_until(
            lambda: victim.health()["connections"]["send_timeouts"] == cuts + 1, SEND_TIMEOUT * 6, "the send time-out"
        )
        wait_until(lambda: victim.health()["upstreams"]["connections_busy"] == 0, what="the end of the upstream call")
        wait_until(lambda: sum(row["calls"] for row in victim.usage()) == lines + 1, what="the ledger line")


def test_a_slow_reader_gets_its_whole_response(victim: Victim) -> None:
    with victim.connect() as caller:
        caller.sendall(chat(victim, stream=True, simulator={"tokens": 6_000}) + request("GET", "/health", {}))
        received = b""
        started = time.monotonic()
        while b'"status":"ok"' not in received[-200:]:
            received += caller.recv(16_384)
            time.sleep(0.005)
    assert received.count(b"data: [DONE]") == 1
    assert time.monotonic() - started > SEND_TIMEOUT


@pytest.mark.parametrize(
    ("sources", "refused"), [(("127.0.0.2",), "Your address"), (("127.0.0.3", "127.0.0.4"), "The server")]
)
def test_connections_above_the_limits_are_refused(victim: Victim, sources: tuple[str, ...], refused: str) -> None:
    wait_until(lambda: victim.health()["connections"]["open"] == 1, what="the end of earlier connections")
    with contextlib.ExitStack() as stack:
        for number in range(79 if len(sources) == 1 else 82):
            attacker = stack.enter_context(victim.connect(sources[number % len(sources)]))
        attacker.sendall(request("GET", "/health", {}))
        answer = read_all(attacker)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"].startswith(refused)
    wait_until(lambda: victim.health()["connections"]["open"] == 1, what="the end of all connections")


@pytest.mark.parametrize("kind", ["stream", "whole"])
def test_a_caller_that_half_closes_gets_its_response(victim: Victim, kind: str) -> None:
    with victim.connect() as caller:
        caller.sendall(chat(victim, stream=kind == "stream", simulator={"ttft": 0.8}))
        caller.shutdown(socket.SHUT_WR)
        received = read_all(caller)
    head, _, rest = received.partition(b"HTTP/1.1 200 OK")
    assert head in {b"", b"HTTP/1.1 100 Continue\r\n\r\n" * head.count(b"100 Continue")}
    assert b"connection: close" in rest
    assert b"[DONE]" in rest if kind == "stream" else rest.endswith(b"}")


def test_a_caller_that_disconnects_is_not_taken_for_one_that_half_closes(victim: Victim) -> None:
    with victim.connect() as caller:
        caller.sendall(chat(victim, "wire", simulator={"stall_after": 0}))
        wait_until(lambda: victim.health()["upstreams"]["connections_busy"] == 1)
    started = time.monotonic()
    wait_until(lambda: victim.health()["upstreams"]["connections_busy"] == 0)
    assert time.monotonic() - started < 2
