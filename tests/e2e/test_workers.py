"""``serve --workers``: crashed workers are replaced, and all of them are on SIGHUP, without a call that fails."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import httpx
import pytest

import domain
from llmproxy.listening import listen
from tests.e2e.test_restarts import Streams, ledger, paced
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import environment, llmproxy, wait_until
from tests.fakes.workers import alive, serves, workers_of


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    proxy = LLMProxy(tmp_path, simulated("sim"), options=("--workers", "2"))
    port, workers = proxy.port, list[int]()
    try:
        wait_until(lambda: len(workers_of(proxy.running.pid)) == 2, 30, "both workers")
        workers = workers_of(proxy.running.pid)
        proxy.kill()
        wait_until(lambda: not any(map(alive, workers)), 20, "the end of the workers")
    finally:
        for worker in workers:
            if alive(worker):
                os.kill(worker, signal.SIGKILL)
    listen("127.0.0.1", port).close()  # nobody holds the socket


def test_a_crashed_worker_is_replaced_and_a_crash_loop_is_reported(tmp_path: Path) -> None:
    proxy = LLMProxy(tmp_path, simulated("sim"), options=("--workers", "1"))
    killed = set[int]()

    def kill_the_next() -> bool:
        for worker in set(workers_of(proxy.running.pid)) - killed:
            killed.add(worker)
            os.kill(worker, signal.SIGKILL)
        return len(killed) == 3

    try:
        wait_until(kill_the_next, 60, "three workers")
        wait_until(lambda: "worker processes keep crashing" in proxy.logs(), 20, "the report")
        assert '"signal": "SIGKILL"' in proxy.logs()
        wait_until(lambda: serves(proxy), 60, "the next worker")
    finally:
        assert proxy.stop() == 0


def test_a_server_that_cannot_start_ends_with_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite3").mkdir()
    done = llmproxy("serve", "--port", "0", "--workers", "2", env=environment(DATA_DIR=str(tmp_path)), check=False)
    assert done.returncode == 1
    assert "a worker process failed to start" in done.stderr


@pytest.mark.parametrize(
    ("count", "tokens"), [(30, 150), pytest.param(200, 900, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_sighup_reads_settings_and_replaces_workers_under_load(tmp_path: Path, count: int, tokens: int) -> None:
    settings = tmp_path / "settings.env"
    settings.write_text("LLMPROXY_LOG_LEVEL=INFO\n", "utf-8")
    with paced(tmp_path, "--workers", "2", tps=20, LLMPROXY_ENV_FILE=str(settings)) as (simulator, proxy):
        wait_until(lambda: len(workers_of(proxy.running.pid)) == 2, 30, "both workers")
        before = workers_of(proxy.running.pid)
        streams = Streams(proxy, count, tokens)
        wait_until(lambda: simulator.calls()["open"] == count, 60, "all streams")
        os.kill(proxy.running.pid, signal.SIGHUP)
        wait_until(lambda: len(workers_of(proxy.running.pid)) == 3, 30, "the first new worker")
        settings.write_text("LLMPROXY_METRICS=false\n", "utf-8")
        os.kill(proxy.running.pid, signal.SIGHUP)  # while the first one is under way
        calls = Calls(proxy)
        wait_until(lambda: "all worker processes are replaced" in proxy.logs(), 60, "new workers")
        wait_until(lambda: not set(before) & set(workers_of(proxy.running.pid)), 120, "the end of the old ones")
        streams.wait()
        assert calls.stop() > 0
        assert {httpx.get(f"{proxy.url}/metrics").status_code for _ in range(10)} == {404}
        assert calls.failures == []
        assert streams.failures == []
        assert all(text.endswith("data: [DONE]\n\n") for text in streams.texts)

        settings.write_text("LLMPROXY_LOG_LEVEL=LOUD\n", "utf-8")
        present = workers_of(proxy.running.pid)
        os.kill(proxy.running.pid, signal.SIGHUP)
        wait_until(lambda: "LLMPROXY_LOG_LEVEL is invalid" in proxy.logs(), 20, "the report")
        assert workers_of(proxy.running.pid) == present
        assert proxy.stop() == 0
        assert ledger(proxy) == [(200, None)] * count


def test_reload_replaces_the_worker_when_a_source_file_changes(tmp_path: Path) -> None:
    proxy = LLMProxy(tmp_path, simulated("sim"), options=("--reload",))
    try:
        (before,) = workers_of(proxy.running.pid)
        os.utime(Path(domain.__file__))
        wait_until(lambda: before not in workers_of(proxy.running.pid), 60, "another worker")
        assert serves(proxy)
    finally:
        assert proxy.stop() == 0


class Calls:
    """A caller with one kept connection, and one who connects for each request, until they are stopped."""

    def __init__(self, proxy: LLMProxy) -> None:
        self.failures: list[str] = []
        self._url, self._key = proxy.url, proxy.key
        self._count, self._stopped = 0, threading.Event()
        self._threads = [threading.Thread(target=call) for call in (self._keep, self._connect)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> int:
        """Return the number of good answers."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)
        return self._count

    def _keep(self) -> None:
        with httpx.Client() as client:
            while not self._stopped.is_set():
                self._call(client)

    def _connect(self) -> None:
        while not self._stopped.is_set():
            with httpx.Client() as client:
                self._call(client)

    def _call(self, client: httpx.Client) -> None:
        try:
            client.get(f"{self._url}/v1/models", headers={"api-key": self._key}, timeout=30).raise_for_status()
            self._count += 1
        except httpx.HTTPError as error:
            self.failures.append(repr(error))
