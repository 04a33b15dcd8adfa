"""Ports of the administration: that of callers, one of its own, or none; and reloads."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.fakes.administrators import bearer, call
from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated
from tests.fakes.nginx import free_port
from tests.fakes.processes import wait_until

PATHS = ("/api/admin/models", "/api/admin/settings", "/admin")


def statuses(url: str) -> list[int]:
    return [httpx.get(f"{url}{path}", headers=bearer(ADMIN_KEY)).status_code for path in PATHS]


def test_the_administration_can_be_switched_off(tmp_path: Path) -> None:
    proxy = LLMProxy(tmp_path, simulated("sim"), variables={"LLMPROXY_ADMIN": "off"})
    try:
        assert statuses(proxy.url) == [404, 404, 404]
        assert "/api/admin/models" not in httpx.get(f"{proxy.url}/openapi.json").json()["paths"]
        assert call(proxy, proxy.key).status_code == 200
    finally:
        proxy.stop()


def test_the_administration_can_have_a_port_of_its_own_shared_by_workers_that_are_replaced(tmp_path: Path) -> None:
    port = free_port()
    variables = {"LLMPROXY_ADMIN_PORT": str(port)}
    proxy = LLMProxy(tmp_path, simulated("sim"), variables=variables, options=("--workers", "2"))
    url = f"http://127.0.0.1:{port}"
    try:
        assert statuses(proxy.url) == [404, 404, 404]
        assert statuses(url)[:2] == [200, 200]
        assert "/api/admin/models" in httpx.get(f"{url}/openapi.json").json()["paths"]
        body = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}
        model_call = httpx.post(f"{url}/v1/chat/completions", json=body, headers=bearer(proxy.key))
        assert (model_call.status_code, model_call.json()["error"]["code"]) == (404, "unknown_url")

        answer = httpx.post(f"{url}/api/config/reload", headers=bearer(ADMIN_KEY))
        assert answer.json()["settings"] == "worker processes are replaced one by one"
        wait_until(lambda: "all worker processes are replaced" in proxy.logs(), what="new workers")
        wait_until(lambda: _status(url) == httpx.codes.OK, what="the port of the new workers")
        assert call(proxy, proxy.key).status_code == 200
    finally:
        proxy.stop()


def _status(url: str) -> int:
    try:
        return httpx.get(f"{url}/api/admin/models", headers=bearer(ADMIN_KEY)).status_code
    except httpx.TransportError:  # the listener of a worker that ends
        return 0
