"""The administration on Cosmos DB: administrators in a container of their own, conditional changes, an outage."""

from __future__ import annotations

import httpx

from tests.fakes.administrators import bearer, error_of, wait_for_key
from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated
from tests.fakes.processes import llmproxy_json, wait_until


def test_administrators_documents_and_an_outage(on_cosmos: LLMProxy, cosmos: FaultProxy) -> None:
    wait_for_key(on_cosmos, ADMIN_KEY)
    key = llmproxy_json("admins", "create", "alice", "--role", "admin", env=on_cosmos.env)["key"]
    wait_for_key(on_cosmos, key)
    wait_for_key(on_cosmos, ADMIN_KEY, accepted=False)
    with httpx.Client(base_url=on_cosmos.url, headers=bearer(key), timeout=30) as admin:
        seen = admin.get("/api/admin/models/first")
        tag = {"if-match": seen.headers["etag"]}
        first, second = (
            admin.put("/api/admin/models/first", json=seen.json()["document"] | {"weight": weight}, headers=tag)
            for weight in (2, 3)
        )
        assert (first.status_code, error_of(second)) == (200, (412, "precondition_failed"))
        assert "by alice at 20" in second.json()["error"]["message"]
        present = admin.get("/api/admin/models/first")
        assert (present.json()["document"]["weight"], present.headers["etag"]) == (2, first.headers["etag"])
        (listed,) = admin.get("/api/admin/models?q=first").json()["data"]
        assert listed["version"] == present.json()["version"]
        assert admin.post("/api/admin/projects", json={"id": "billing"}).status_code == 201
        made = admin.post("/api/admin/projects/billing/keys", json={"name": "ci"}).json()
        body = {"model": "first", "messages": [{"role": "user", "content": "Hello"}]}
        called = httpx.post(f"{on_cosmos.url}/v1/chat/completions", json=body, headers=bearer(made["key"]))
        assert called.status_code == 200

        cosmos.fault = Fault(status=503)
        wait_until(lambda: admin.get("/api/admin/models/first").status_code == 503, what="the outage")
        # Administrators are known, and calls are served, while the store is unavailable; nothing is changed.
        assert error_of(admin.put("/api/admin/models/x", json=simulated("x"))) == (503, "service_unavailable")
        again = httpx.post(f"{on_cosmos.url}/v1/chat/completions", json=body, headers=bearer(made["key"]))
        assert again.status_code == 200
        cosmos.fault = None
        wait_until(lambda: admin.get("/api/admin/models/first").status_code == 200, what="the store")
        assert admin.get("/api/admin/models/x").status_code == 404
