"""Ends of a server that its callers did not choose: they keep their streams, or get an error and a correct bill."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.processes import wait_until
from tests.fakes.workers import alive, serves


def body(tokens: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": "hi"}]
    return {"model": "wire", "messages": messages, "stream": True, "simulator": {"tokens": tokens}}


class Streams:
    """Callers that read one stream each, with a connection of their own, until it ends somehow."""

    def __init__(self, proxy: LLMProxy, count: int, tokens: int) -> None:
        self.texts: list[str] = []
        self.failures: list[str] = []
        self._url, self._key, self._body = f"{proxy.url}/v1/chat/completions", proxy.key, body(tokens)
        self._callers = [threading.Thread(target=self._read) for _ in range(count)]
        for caller in self._callers:
            caller.start()

    def wait(self) -> None:
        for caller in self._callers:
            caller.join(120)
            assert not caller.is_alive()

    def _read(self) -> None:
        try:
            answer = httpx.post(self._url, json=self._body, headers={"api-key": self._key}, timeout=120)
            self.texts.append(answer.text)
        except httpx.HTTPError as error:
            self.failures.append(repr(error))


@contextmanager
def paced(folder: Path, *options: str, tps: int, **variables: str) -> Iterator[tuple[Simulator, LLMProxy]]:
    """Run a server in front of a slow upstream."""
    simulator = Simulator("--tps", str(tps))
    variables = {"LLMPROXY_DRAIN_SECONDS": "120"} | variables
    proxy = LLMProxy(folder, upstream("wire", simulator.url), variables=variables, options=options)
    try:
        yield simulator, proxy
    finally:
        proxy.stop()
        simulator.stop()


def ledger(proxy: LLMProxy) -> list[tuple[int, str | None]]:
    with closing(sqlite3.connect(Path(proxy.env["DATA_DIR"]) / "usage.sqlite3")) as store:
        return store.execute("SELECT status, error FROM lines").fetchall()


@pytest.mark.parametrize(
    ("options", "count", "tokens"),
    [
        ((), 20, 60),
        (("--workers", "2"), 20, 60),
        pytest.param(("--workers", "2"), 200, 600, marks=pytest.mark.slow),
    ],
    ids=["alone", "workers", "many"],
)
def test_streams_go_on_after_sigterm_and_nobody_else_is_accepted(
    tmp_path: Path, options: tuple[str, ...], count: int, tokens: int
) -> None:
    with paced(tmp_path, *options, tps=20) as (simulator, proxy):
        streams = Streams(proxy, count, tokens)
        wait_until(lambda: simulator.calls()["open"] == count, 60, "all streams")
        os.kill(proxy.running.pid, signal.SIGTERM)
        wait_until(lambda: not serves(proxy), 20, "the refusal of new connections")
        assert alive(proxy.running.pid)
        streams.wait()
        assert streams.failures == []
        assert all(text.endswith("data: [DONE]\n\n") for text in streams.texts)
        assert proxy.stop() == 0
        assert ledger(proxy) == [(200, None)] * count


def test_a_stream_beyond_the_drain_period_ends_with_an_error_event_and_is_billed(tmp_path: Path) -> None:
    with paced(tmp_path, tps=5, LLMPROXY_DRAIN_SECONDS="1") as (simulator, proxy):
        streams = Streams(proxy, 3, tokens=1000)
        wait_until(lambda: simulator.calls()["open"] == 3, 20, "the streams")
        assert proxy.stop() == 0
        streams.wait()
        assert streams.failures == []
        for text in streams.texts:
            *_, last, end = text.split("\n\n")
            assert end == ""
            assert '"code":"service_unavailable"' in last
            assert "restarted" in last
        assert ledger(proxy) == [(503, "server_restarted")] * 3
        (row,) = proxy.usage("model")
        assert (row["failed"], row["inexact"]) == (3, 3)
        assert row["output_tokens"] > 0
        wait_until(lambda: simulator.calls()["open"] == 0, 10, "the end of the upstream calls")


def test_a_stopping_server_is_not_ready_at_once_and_serves_for_the_drain_delay(tmp_path: Path) -> None:
    with paced(tmp_path, tps=1000, LLMPROXY_DRAIN_DELAY="5") as (_, proxy):
        with httpx.Client(base_url=proxy.url, headers={"api-key": proxy.key}, timeout=30) as client:
            assert client.get("/health?detailed=true").status_code == 200
            os.kill(proxy.running.pid, signal.SIGTERM)
            wait_until(lambda: client.get("/health?detailed=true").json()["status"] == "stopping", 4, "not ready")
            health = client.get("/health?detailed=true")
            assert health.status_code == 503
            assert health.headers["connection"] == "close"
            assert client.get("/health").status_code == 200
            assert httpx.post(
                f"{proxy.url}/v1/chat/completions", json=body(5), headers=dict(client.headers), timeout=30
            ).text.endswith("[DONE]\n\n")
        assert proxy.stop() == 0


def test_sighup_applies_what_it_can_and_names_the_settings_that_need_a_restart(tmp_path: Path) -> None:
    settings = tmp_path / "settings.env"
    settings.write_text("LLMPROXY_LOG_LEVEL=WARNING\n", "utf-8")
    with paced(tmp_path, tps=20, LLMPROXY_ENV_FILE=str(settings)) as (simulator, proxy):
        streams = Streams(proxy, 3, tokens=60)
        wait_until(lambda: simulator.calls()["open"] == 3, 20, "the streams")
        settings.write_text("LLMPROXY_LOG_LEVEL=INFO\nLLMPROXY_METRICS=false\n", "utf-8")
        os.kill(proxy.running.pid, signal.SIGHUP)
        wait_until(lambda: '"settings": ["LLMPROXY_METRICS"]' in proxy.logs(), 20, "the report")
        assert '"changed": ["LLMPROXY_LOG_LEVEL", "LLMPROXY_METRICS"]' in proxy.logs()
        settings.write_text("LLMPROXY_LOG_LEVEL=LOUD\n", "utf-8")
        os.kill(proxy.running.pid, signal.SIGHUP)
        wait_until(lambda: "LLMPROXY_LOG_LEVEL is invalid" in proxy.logs(), 20, "the report of the fault")
        assert serves(proxy)
        streams.wait()
        assert streams.failures == []
        assert all(text.endswith("data: [DONE]\n\n") for text in streams.texts)
        assert proxy.stop() == 0


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


def test_a_second_ctrl_c_cuts_streams_off_and_still_bills_them(tmp_path: Path) -> None:
    with paced(tmp_path, "--workers", "1", tps=5) as (simulator, proxy):
        streams = Streams(proxy, 1, tokens=1000)
        wait_until(lambda: simulator.calls()["open"] == 1, 20, "the stream")
        os.kill(proxy.running.pid, signal.SIGINT)
        wait_until(lambda: not serves(proxy), 20, "the refusal of new connections")
        with suppress(ProcessLookupError):
            os.kill(proxy.running.pid, signal.SIGINT)
        streams.wait()
        assert proxy.stop() == 0
        assert ledger(proxy) == [(503, "server_restarted")]
