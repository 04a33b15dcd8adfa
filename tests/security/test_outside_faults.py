"""Faults outside the server that must not stop it: unread logs, exhausted descriptors, a killed parent."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated
from tests.fakes.processes import environment, wait_until
from tests.fakes.raw_http import request

BODY = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]}
DETAILED = {"detailed": "true"}


class Piped:
    """A server whose standard output and error nobody reads until ``read``."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "llmproxy", "serve", "--port", str(port), *options]
        env = environment(DATA_DIR=str(folder / "data"), LLMPROXY_ADMIN_KEY=ADMIN_KEY)
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, env=env, **pipes)  # noqa: S603 - our own command
        assert self.process.stdout is not None
        self.lines = self.process.stdout
        self.url = next(line for line in self.lines if "listening on" in line).split()[-1].removesuffix("/v1")

    def health(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/health", params=DETAILED, headers={"api-key": ADMIN_KEY}, timeout=5)
        body: dict[str, Any] = answer.json()
        return body

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            threading.Thread(target=self.lines.read, daemon=True).start()
            self.process.wait(45)
        self.lines.close()


@pytest.fixture
def piped(tmp_path: Path) -> Iterator[Piped]:
    made = Piped(tmp_path)
    yield made
    made.stop()


def test_logs_that_nobody_reads_are_dropped_and_counted(piped: Piped) -> None:
    with httpx.Client(base_url=piped.url, timeout=5) as client:
        for _ in range(900):
            assert client.get("/" + "x" * 4000).status_code == 404
    health = piped.health()
    assert health["status"] == "degraded"
    assert health["process"]["log_lines_dropped"] > 100
    assert health["process"]["problems"] == ["logs are not read: lines are dropped"]

    reader = threading.Thread(target=lambda: seen.extend(piped.lines), daemon=True)
    seen: list[str] = []
    reader.start()
    wait_until(lambda: piped.health()["status"] == "ok", what="recovery")
    httpx.get(f"{piped.url}/v1/models", headers={"x-request-id": "after-recovery"})
    wait_until(lambda: any("after-recovery" in line for line in seen), what="a line after the recovery")
    assert all(json.loads(line) for line in seen[1:])
    piped.process.terminate()
    reader.join(45)
    assert "Finished server process" in seen[-2]
    assert seen[-1] == "llmproxy stopped\n"


def test_a_server_whose_logs_nobody_reads_stops_when_asked(piped: Piped) -> None:
    with httpx.Client(base_url=piped.url, timeout=5) as client:
        for _ in range(100):
            client.get("/" + "x" * 4000)
    piped.process.terminate()
    assert piped.process.wait(20) is not None


def test_exhausted_descriptors_are_reported_and_pass(tmp_path: Path) -> None:
    server = LLMProxy(tmp_path, simulated("sim"))
    descriptors = Path(f"/proc/{server.running.pid}/fd")
    with httpx.Client(base_url=server.url, timeout=10, headers={"api-key": server.key}) as kept:
        assert kept.post("/v1/chat/completions", json=BODY).status_code == 200
        limits = resource.prlimit(server.running.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.running.pid, resource.RLIMIT_NOFILE, (len(list(descriptors.iterdir())) + 4, limits[1]))
        with contextlib.ExitStack() as stack:
            for _ in range(30):
                stack.enter_context(contextlib.closing(_connect(server.port)))
            time.sleep(0.5)
            for _ in range(20):
                assert kept.post("/v1/chat/completions", json=BODY).status_code == 200
            health = kept.get("/health", params=DETAILED, headers={"api-key": ADMIN_KEY}).json()
            assert health["status"] == "degraded"
            assert any("descriptors" in problem for problem in health["process"]["problems"])
        resource.prlimit(server.running.pid, resource.RLIMIT_NOFILE, limits)
        wait_until(lambda: server.health()["status"] == "ok", what="recovery")
        assert kept.post("/v1/chat/completions", json=BODY).status_code == 200
    server.stop()
    assert sum(row["calls"] for row in server.usage()) == 22


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(request("GET", "/health", {}))
    return connection


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    first = Piped(tmp_path, "--workers", "2")
    wait_until(lambda: _answers(first.url), what="the first worker")
    workers = _children(first.process.pid)
    assert len(workers) >= 2
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), what="the end of the workers")
    port = int(first.url.rpartition(":")[2])
    second = Piped(tmp_path, port=port)
    assert httpx.get(f"{second.url}/health").status_code == 200
    second.stop()
    first.lines.close()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health").status_code == 200
    return False


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
