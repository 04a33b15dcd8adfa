"""Bodies that are meant to stop the server or to fill its memory."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.fakes.llmproxy_server import Simulator, simulated, upstream
from tests.fakes.processes import wait_until
from tests.fakes.raw_http import request
from tests.security.conftest import Victim

CHAT = "/v1/chat/completions"
MEGABYTES = 32
STALL = 0.05
"""Seconds of the server's own work that a small request may have to wait for."""
SLACK = 2
"""Processors differ, and one that is shared is slower: what is looked for is a stall of seconds, not of a tenth."""

_START = b'{"model":"wire","stream":true,"messages":['
HOSTILE: dict[str, tuple[str, bytes, bytes, bytes]] = {
    "empty messages": (CHAT, _START, b"{},", b"{}]}"),
    "encrypted": ("/v1/responses", b'{"model":"x","input":[', b'{"encrypted_content":"llmproxy.a.b"},', b"{}]}"),
    "encrypted in one object": (
        "/v1/responses", b'{"model":"x","input":[{"a":0', b',"encrypted_content":"llmproxy.a.b"', b"}]}",
    ),
    "one image": (CHAT, _START + b'{"role":"user","content":"', b"iVBORw0KGgo", b'"}]}'),
    "escapes": (CHAT, _START + b'{"role":"user","content":"', b"\\n", b'"}]}'),
    "emoji": (CHAT, _START + b'{"role":"user","content":"', "\N{PILE OF POO}".encode(), b'"}]}'),
    "instructions": ("/v1/responses", b'{"model":"wire","input":"x","instructions":"', b"word ", b'"}'),
    "a long model": (CHAT, b'{"messages":[],"model":"', b"x", b'"}'),
    "lists": (CHAT, _START, b"[", b"]}"),
    "members": (CHAT, b"{", b'"x":0,', b'"model":"wire","messages":[]}'),
    "token ids": ("/v1/embeddings", b'{"model":"wire","input":[', b"12,", b"1]}"),
    "texts": ("/v1/embeddings", b'{"model":"wire","input":[', b'"a",', b'"a"]}'),
    "a long text": ("/v1/embeddings", b'{"model":"wire","input":"', b"word ", b'"}'),
    "a long speech": ("/v1/audio/speech", b'{"model":"wire","voice":"alloy","input":"', b"word ", b'"}'),
    "a long prompt": ("/v1/images/generations", b'{"model":"wire","prompt":"', b"word ", b'"}'),
    "blanks": (CHAT, b"{", b" ", b"}"),
    "not JSON": (CHAT, _START, b"x", b"]}"),
}  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    simulator = Simulator()
    everything = ["ChatCompletion", "Responses", "embeddings", "images", "audio_tts"]
    wire = upstream("wire", simulator.url, operations=everything)
    made = Victim(
        tmp_path_factory.mktemp("large"),
        wire,
        simulated("sim"),
        variables={"LLMPROXY_MEMORY_BUDGET": str(300 << 20), "LLMPROXY_BODY_TIMEOUT": "60"},
    )
    yield made
    made.stop()
    simulator.stop()


class Stalls:
    """Measures how much the server does before it responds to a small request.

    That is the time of its main thread on a processor: what else runs on this machine does not count.
    """

    def __init__(self, victim: Victim) -> None:
        self._victim = victim
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.longest = 0.0
        self.peak = 0
        self.asked = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self.asked > 0

    def _ask(self) -> None:
        head = request("GET", "/health", {})
        with socket.create_connection(("127.0.0.1", self._victim.port), timeout=60) as connection:
            while not self._stop.is_set():
                started = self._worked()
                connection.sendall(head)
                received = b""
                while not received.endswith(b"}"):
                    received += connection.recv(4096)
                    assert received
                self.asked += 1
                self.longest = max(self.longest, self._worked() - started)
                self.peak = max(self.peak, self._victim.memory())
                time.sleep(0.002)

    def _worked(self) -> float:
        pid = self._victim.running.pid
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text("ascii").split()[0]) / 1e9


def hostile_body(name: str) -> tuple[str, bytes]:
    path, first, repeated, last = HOSTILE[name]
    return path, first + repeated * ((MEGABYTES << 20) // len(repeated)) + last


def send(victim: Victim, path: str, body: bytes, *, patience: float = 60) -> bytes:
    """Send a body; the beginning of the response."""
    headers = {"authorization": f"Bearer {victim.key}", "content-length": str(len(body))}
    received = b""
    with victim.connect() as attacker, contextlib.suppress(OSError):
        attacker.settimeout(patience)
        with contextlib.suppress(ConnectionError):
            attacker.sendall(request("POST", path, headers) + body)
        received = attacker.recv(65_536)
    return received


@pytest.mark.parametrize("name", HOSTILE)
def test_no_body_stops_the_server_or_fills_its_memory(large: Victim, name: str) -> None:
    """Also not after the caller has left with the head of the response, when the call is counted."""
    path, body = hostile_body(name)
    before = large.memory()
    with Stalls(large) as stalls:
        answer = send(large, path, body)
        time.sleep(0.5)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5", b"HTTP/1.1 200"))
    assert not answer.startswith(b"HTTP/1.1 500")
    assert stalls.longest < SLACK * STALL
    assert stalls.peak - before < 3 * len(body)


def test_a_caller_that_leaves_an_unanswered_large_call_costs_nothing_more(large: Victim) -> None:
    for name in ("one image", "emoji", "instructions", "escapes"):
        path, body = hostile_body(name)
        body = body[:-1] + b',"simulator":{"stall_after":0}}'
        with Stalls(large) as stalls:
            send(large, path, body, patience=0.5)
            time.sleep(1)
        assert stalls.longest < SLACK * STALL, name
    wait_until(lambda: large.health()["memory"]["used"] == 0, what="all memory given back")


def test_all_bodies_share_one_budget_of_memory(large: Victim) -> None:
    """A project may use half of it, so that others are served."""
    path, body = hostile_body("one image")
    before = large.memory()
    headers = {"authorization": f"Bearer {large.key}", "content-length": str(len(body))}
    refused = large.health()["memory"]["refused"]
    with contextlib.ExitStack() as stack, Stalls(large) as stalls:
        attackers = [stack.enter_context(large.connect()) for _ in range(8)]
        for attacker in attackers:
            with contextlib.suppress(ConnectionError):
                attacker.sendall(request("POST", path, headers) + body[: -(1 << 20)])
        wait_until(lambda: large.health()["memory"]["refused"] == refused + 4, what="refusals of what is too much")
        answered, _, _ = select.select(attackers, (), (), 1)
        for attacker in answered:
            answer = attacker.recv(4096)
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 1" in answer
        assert len(answered) == 4
        other = large.key_of("other-project")
        small = json.dumps({"model": "sim", "messages": [{"role": "user", "content": "hi"}]}).encode()
        head = request("POST", CHAT, {"authorization": f"Bearer {other}", "content-length": str(len(small))})
        caller = stack.enter_context(large.connect())
        caller.sendall(head + small)
        assert caller.recv(4096).startswith(b"HTTP/1.1 200")
    assert stalls.peak - before < 300 << 20
    wait_until(lambda: large.health()["memory"]["used"] == 0, what="all memory given back")


def test_journal_and_ledger_have_every_line(large: Victim) -> None:
    """Runs last: whatever happened above, the ledger and the server are well."""
    health = large.health()
    assert health["status"] == "ok"
    assert health["ledger"]["lines_lost"] == 0
    assert Path(large.env["DATA_DIR"]).is_dir()
