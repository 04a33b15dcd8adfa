"""Ends of a server that its callers did not choose: the death of its supervisor, and a restart under load."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import wait_until


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    proxy = LLMProxy(tmp_path, simulated("sim"), options=("--workers", "2"))
    port, workers = proxy.port, list[int]()
    try:
        wait_until(lambda: serves(proxy), 30, "the first worker")
        wait_until(lambda: len(children(proxy.running.pid)) >= 2, 30, "both workers")
        workers = children(proxy.running.pid)
        proxy.kill()
        wait_until(lambda: not any(map(alive, workers)), 20, "the end of the workers")
    finally:
        for worker in workers:
            if alive(worker):
                os.kill(worker, signal.SIGKILL)
    again = LLMProxy(tmp_path / "again", simulated("sim"), options=("--workers", "2", "--port", str(port)))
    again.stop()


def serves(proxy: LLMProxy) -> bool:
    try:
        return httpx.get(f"{proxy.url}/health", timeout=5).is_success
    except httpx.ConnectError:
        return False


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=" ".join)
def test_ctrl_c_ends_with_one_line_and_exit_code_0(tmp_path: Path, options: tuple[str, ...]) -> None:
    proxy = LLMProxy(tmp_path, simulated("sim"), options=options)
    wait_until(lambda: serves(proxy), 30, "the server")
    os.kill(proxy.running.pid, signal.SIGINT)
    wait_until(lambda: not alive(proxy.running.pid), 30, "its end")
    assert proxy.stop() == 0
    assert "Traceback" not in proxy.logs()
    assert "KeyboardInterrupt" not in proxy.logs()
    assert proxy.logs().rstrip().endswith("llmproxy stopped")


@pytest.mark.slow
def test_a_call_that_our_restart_cuts_off_is_not_booked_as_the_callers(tmp_path: Path) -> None:
    simulator = Simulator("--tps", "2")
    proxy = LLMProxy(tmp_path, upstream("wire", simulator.url))
    body = {
        "model": "wire",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "simulator": {"tokens": 1000},
    }

    def read() -> None:
        url, headers = f"{proxy.url}/v1/chat/completions", {"api-key": proxy.key}
        try:
            with httpx.stream("POST", url, json=body, headers=headers, timeout=60) as answer:
                answer.read()
        except httpx.HTTPError:
            pass

    caller = threading.Thread(target=read)
    caller.start()
    try:
        wait_until(lambda: simulator.calls()["open"] == 1, 10, "the call")
        proxy.stop()
        caller.join(10)
        with closing(sqlite3.connect(Path(proxy.env["DATA_DIR"]) / "usage.sqlite3")) as ledger:
            assert ledger.execute("SELECT status, error FROM lines").fetchall() == [(503, "server_restarted")]
        (row,) = proxy.usage("model")
        assert (row["failed"], row["inexact"]) == (1, 1)
    finally:
        proxy.stop()
        simulator.stop()
