"""Uploads that are meant to fill the disk, and answers that are meant to fill the memory."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from tests.fakes.llmproxy_server import simulated, upstream
from tests.fakes.processes import wait_until
from tests.fakes.raw_http import request
from tests.security.conftest import Victim

PART = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
BOMB = gzip.compress(b'{"choices":[],"x":"' + b"x" * (60 << 20) + b'"}', compresslevel=9)


class Bomb(BaseHTTPRequestHandler):
    """An upstream whose answers unpack to a thousand times their size."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(BOMB)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(BOMB)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    bombs = ThreadingHTTPServer(("127.0.0.1", 0), Bomb)
    Thread(target=bombs.serve_forever, daemon=True).start()
    made = Victim(
        tmp_path_factory.mktemp("small"),
        simulated("stt", operations=["audio_stt"]),
        upstream("bomb", f"http://127.0.0.1:{bombs.server_port}/v1"),
        variables={
            "LLMPROXY_UPLOAD_BUDGET": str(40 << 20),
            "LLMPROXY_MAX_UPLOADS_PER_KEY": "4",
            "LLMPROXY_MEMORY_BUDGET": str(150 << 20),
            "LLMPROXY_BODY_TIMEOUT": "30",
        },
    )
    yield made
    made.stop()
    bombs.shutdown()


def upload(victim: Victim, key: str, size: int) -> socket.socket:
    """Begin a form with a file of this size, and leave it incomplete."""
    headers = {"api-key": key, "content-type": "multipart/form-data; boundary=b", "content-length": str(60 << 20)}
    connection = victim.connect()
    with contextlib.suppress(ConnectionError):
        connection.sendall(request("POST", "/v1/audio/transcriptions", headers) + PART + bytes(size))
    return connection


def refusal(connection: socket.socket) -> tuple[bytes, dict[str, str]]:
    head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
    assert b"retry-after: 1" in head
    error: dict[str, str] = json.loads(body or connection.recv(65_536))["error"]
    return head[9:12], error


def test_one_key_has_a_few_uploads_at_a_time(small: Victim) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(upload(small, small.key, 1 << 20))
        wait_until(lambda: small.health()["uploads"]["in_progress"] == 4)
        status, error = refusal(stack.enter_context(upload(small, small.key, 1 << 20)))
        assert (status, error["code"]) == (b"429", "rate_limit_exceeded")
        stack.enter_context(upload(small, small.key_of("other"), 1 << 20))
        wait_until(lambda: small.health()["uploads"]["in_progress"] == 5)
    wait_until(lambda: small.health()["uploads"] == {"in_progress": 0, "bytes": 0}, what="the end of all uploads")


def test_all_uploads_share_one_budget_of_disk(small: Victim) -> None:
    keys = [small.key_of(f"project-{number}") for number in range(3)]
    with contextlib.ExitStack() as stack:
        for key in keys[:2]:
            stack.enter_context(upload(small, key, 18 << 20))
        wait_until(lambda: small.health()["uploads"]["bytes"] > 35 << 20)
        status, error = refusal(stack.enter_context(upload(small, keys[2], 18 << 20)))
        assert (status, error["code"]) == (b"503", "service_unavailable")
    wait_until(lambda: small.health()["uploads"] == {"in_progress": 0, "bytes": 0}, what="the end of all uploads")


def test_answers_that_unpack_to_more_than_the_budget_are_refused(small: Victim) -> None:
    before = small.memory()
    body = {"model": "bomb", "messages": [{"role": "user", "content": "hi"}]}
    seen: list[httpx.Response] = []

    def call() -> None:
        answer = httpx.post(f"{small.url}/v1/chat/completions", json=body, headers={"api-key": small.key}, timeout=60)
        seen.append(answer)

    callers = [Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    peak = before
    while any(caller.is_alive() for caller in callers):
        peak = max(peak, small.memory())
    statuses = sorted(answer.status_code for answer in seen)
    assert len(statuses) == 6
    assert statuses[-1] == 503
    refused = next(answer for answer in seen if answer.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert peak - before < 3 * (150 << 20)
    wait_until(lambda: small.health()["memory"]["used"] == 0, what="all memory given back")
    assert small.health()["status"] == "ok"
