"""A project that takes everything it can get: others are served all the same."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.llmproxy_server import Simulator, upstream
from tests.fakes.processes import wait_until
from tests.fakes.raw_http import request
from tests.security.conftest import Victim

CONNECTIONS, QUEUE = 20, 10
BODY = {"model": "wire", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    simulator = Simulator()
    made = Victim(
        tmp_path_factory.mktemp("shared"),
        upstream("wire", simulator.url),
        variables={
            "LLMPROXY_UPSTREAM_CONNECTIONS": str(CONNECTIONS),
            "LLMPROXY_UPSTREAM_QUEUE": str(QUEUE),
            "LLMPROXY_UPSTREAM_QUEUE_TIMEOUT": "3",
        },
    )
    yield made
    made.stop()
    simulator.stop()


def test_one_project_cannot_keep_another_from_an_upstream(shared: Victim) -> None:
    other = shared.key_of("other")
    body = json.dumps(BODY | {"simulator": {"stall_after": 0}}).encode()
    head = request("POST", "/v1/chat/completions", {"api-key": shared.key, "content-length": str(len(body))})
    hogs: list[socket.socket] = []
    for _ in range(40):
        hogs.append(shared.connect())
        hogs[-1].sendall(head + body)
    wait_until(lambda: shared.health()["upstreams"]["calls_refused"] == 40 - 18 - 5, what="calls beyond the queue")
    facts = shared.health()["upstreams"]
    assert (facts["connections_busy"], facts["calls_waiting"]) == (18, 5)
    refused = hogs[-1].recv(65_536)
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"retry-after: " in refused
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["error"]["code"] == "upstream_busy"

    started = time.monotonic()
    answer = httpx.post(f"{shared.url}/v1/chat/completions", json=BODY, headers={"api-key": other})
    assert answer.status_code == 200
    assert time.monotonic() - started < 3
    wait_until(lambda: shared.health()["upstreams"]["calls_waiting"] == 0, what="the end of waiting")
    assert shared.health()["upstreams"]["calls_refused"] == 40 - 18
    for hog in hogs:
        hog.close()
    wait_until(lambda: shared.health()["upstreams"]["connections_busy"] == 0, what="the end of all calls")
