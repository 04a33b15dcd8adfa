"""The watch over memory: what operators see, and what happens beyond the limit."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, Simulator, upstream
from tests.fakes.processes import wait_until

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
LIMIT = 32 << 20  # less than any server needs


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    limit = {"LLMPROXY_MEMORY_LIMIT": str(LIMIT)}
    made = LLMProxy(tmp_path_factory.mktemp("memory"), upstream("up", simulator.url), variables=limit)
    yield made
    made.stop()


def test_a_process_beyond_its_limit_says_so_once_and_serves_on(proxy: LLMProxy) -> None:
    wait_until(lambda: "memory passes its limit" in proxy.logs(), what="the warning")
    health = proxy.health()
    assert health["status"] == "degraded"
    assert health["process_memory"]["problems"] == ["the process uses more memory than its limit"]
    client = OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)
    client.chat.completions.create(model="up", messages=[{"role": "user", "content": "hi"}])
    assert proxy.logs().count("memory passes its limit") == 1


def test_operators_see_memory_and_release_it(proxy: LLMProxy) -> None:
    url = f"{proxy.url}/debug/memory"
    for path, method in (("", "GET"), ("/gc", "POST")):
        assert (
            httpx.request(method, f"{url}{path}", headers={"authorization": f"Bearer {proxy.key}"}).status_code == 401
        )
    found = httpx.get(url, params={"types": "true"}, headers=ADMIN).json()
    assert found["limit_bytes"] == LIMIT < found["resident_bytes"] <= found["peak_bytes"]
    assert len(found["types"]) == 25
    assert "types" not in httpx.get(url, headers=ADMIN).json()

    client = OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)
    client.chat.completions.create(model="up", messages=[{"role": "user", "content": "hi"}])
    wait_until(lambda: proxy.health()["upstreams"]["connections_idle"] == 1, what="an idle connection")
    released = httpx.post(f"{url}/gc", headers=ADMIN).json()
    assert released["released"] == ["idle connections"]
    assert released["process"] == found["process"] == proxy.running.pid
    assert proxy.health()["upstreams"]["connections_idle"] == 0
    client.chat.completions.create(model="up", messages=[{"role": "user", "content": "hi"}])
    wait_until(lambda: "POST /debug/memory/gc" in proxy.command("audit", "list", "--json"), what="the audit entry")
    entries = json.loads(proxy.command("audit", "list", "--action", "memory", "--json"))
    assert {entry["outcome"] for entry in entries} == {"changed", "refused"}
