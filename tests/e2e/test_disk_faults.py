"""Faults of the disk under a running server: full, out of descriptors, files removed. Each is reported and ends."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated
from tests.fakes.processes import wait_until

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[LLMProxy]:
    made = LLMProxy(tmp_path, simulated("sim"))
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    """One connection, opened before anything goes wrong."""
    limits = httpx.Limits(max_connections=1)
    with httpx.Client(base_url=proxy.url, headers={"api-key": proxy.key}, limits=limits, timeout=30) as made:
        made.get("/health").raise_for_status()
        yield made


def call(client: httpx.Client, number: int) -> None:
    for _ in range(number):
        body = {"model": "sim", "messages": [{"role": "user", "content": "hi"}]}
        client.post("/v1/chat/completions", json=body).raise_for_status()


def health(client: httpx.Client) -> dict[str, Any]:
    body: dict[str, Any] = client.get("/health", params={"detailed": "true"}, headers=ADMIN).raise_for_status().json()
    return body


def is_well(client: httpx.Client) -> bool:
    body = health(client)
    return (body["status"], body["ledger"]["lines_waiting"]) == ("ok", 0)


def set_limit(proxy: LLMProxy, which: int, soft: int | None) -> None:
    _, hard = resource.prlimit(proxy.running.pid, which)
    resource.prlimit(proxy.running.pid, which, (hard if soft is None else soft, hard))


def calls(proxy: LLMProxy) -> int:
    return sum(row["calls"] for row in proxy.usage())


def test_a_full_disk(proxy: LLMProxy, client: httpx.Client) -> None:
    set_limit(proxy, resource.RLIMIT_FSIZE, 10)
    call(client, 20)
    body = health(client)
    assert body["status"] == "degraded"
    assert (body["ledger"]["lines_in_memory"], body["ledger"]["lines_lost"]) == (20, 0)
    assert any("20 ledger lines wait in memory: File too large" in text for text in body["ledger"]["problems"])
    set_limit(proxy, resource.RLIMIT_FSIZE, None)
    wait_until(lambda: is_well(client), 60, "the recovery")
    assert calls(proxy) == 20


def test_a_full_disk_at_the_end_loses_lines_only_with_a_message(proxy: LLMProxy, client: httpx.Client) -> None:
    set_limit(proxy, resource.RLIMIT_FSIZE, 10)
    call(client, 5)
    client.close()
    proxy.stop()
    assert "5 ledger lines are lost" in proxy.logs()
    assert "wait on disk for the next start" not in proxy.logs()


def test_exhausted_descriptors(proxy: LLMProxy, client: httpx.Client) -> None:
    call(client, 1)
    open_files = [int(path.name) for path in Path(f"/proc/{proxy.running.pid}/fd").iterdir()]
    set_limit(proxy, resource.RLIMIT_NOFILE, max(open_files) + 1)
    call(client, 50)
    body = health(client)["ledger"]
    assert body["lines_lost"] == 0
    set_limit(proxy, resource.RLIMIT_NOFILE, None)
    wait_until(lambda: is_well(client), 60, "the recovery")
    assert calls(proxy) == 51


def test_a_removed_journal_folder(proxy: LLMProxy, client: httpx.Client) -> None:
    usage = Path(proxy.env["DATA_DIR"]) / "usage.sqlite3"
    usage.rename(usage.with_suffix(".aside"))
    call(client, 60)
    wait_until(lambda: health(client)["status"] == "degraded", 10, "the report of the missing file")
    assert any("usage.sqlite3: the file does not exist" in text for text in health(client)["ledger"]["problems"])
    shutil.rmtree(usage.parent / "journal")
    wait_until(lambda: health(client)["ledger"]["journal_recreated"] == 1, 30, "the new folder")
    call(client, 5)
    assert (health(client)["ledger"]["lines_waiting"], health(client)["ledger"]["lines_lost"]) == (65, 0)
    proxy.kill()
    usage.with_suffix(".aside").rename(usage)
    proxy.start()
    with httpx.Client(base_url=proxy.url, timeout=30) as other:
        wait_until(lambda: is_well(other), 30, "the lines")
    assert calls(proxy) == 65
