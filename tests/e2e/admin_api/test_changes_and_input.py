"""``/api/admin`` with several administrators at once, long lists, and any input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.administrators import (
    SECRET_IN_DOCUMENT,
    bearer,
    call,
    error_of,
    wait_for_key,
)
from tests.fakes.llmproxy_server import ADMIN_KEY, PROJECT, LLMProxy, simulated
from tests.fakes.processes import llmproxy_json

LONG = "x" * 1_000_000
BAD: list[tuple[str, str, Any]] = [
    ("PUT", "/api/admin/models/bad", {"id": "another"}),
    ("PUT", "/api/admin/models/bad", simulated("bad") | {"code": 5}),
    ("PUT", "/api/admin/models/bad", simulated("bad", name="a\x00b")),
    ("PUT", "/api/admin/models/bad", []),
    ("PUT", "/api/admin/models/bad", LONG),
    ("POST", "/api/admin/models/apply", {"id": 5}),
    ("POST", "/api/admin/projects", {"id": LONG}),
    ("POST", "/api/admin/projects", {"id": 5}),
    ("POST", "/api/admin/projects", {"id": "a/b"}),
    ("POST", "/api/admin/projects", {"id": "<script>"}),
    ("POST", "/api/admin/projects", {"id": "ok", "name": "a\x1bb"}),
    ("POST", "/api/admin/projects", {"id": "ok", "name": LONG[:900_000]}),
    ("POST", "/api/admin/projects", {"id": "ok", "tags": {"": "x"}}),
    ("POST", "/api/admin/projects", {"id": "ok", "unknown": 1}),
    ("POST", f"/api/admin/projects/{PROJECT}/keys", {"name": "a\nb"}),
    ("POST", f"/api/admin/projects/{PROJECT}/keys", {"expires_at": "2020-01-01T00:00:00Z"}),
    ("POST", f"/api/admin/projects/{PROJECT}/keys", {"expires_at": "2030-01-01"}),
    ("PATCH", f"/api/admin/projects/{PROJECT}/limits", {"rpm": -1}),
    ("PATCH", f"/api/admin/projects/{PROJECT}/limits", {"rpm": [1]}),
    ("PUT", f"/api/admin/projects/{PROJECT}/budgets", {"amount": "a lot", "period": "month"}),
    ("PUT", f"/api/admin/projects/{PROJECT}/budgets", {"amount": 1, "period": "fortnight"}),
    ("POST", "/api/admin/administrators", {"name": "x", "role": "root"}),
    ("POST", "/api/admin/administrators", {"name": "x", "role": "owner"}),
    ("POST", "/api/admin/explain", {"model": 5}),
    ("GET", "/api/admin/usage?by=colour", None),
    ("GET", "/api/admin/usage?from=yesterday", None),
    ("GET", "/api/admin/usage?timezone=Mars/Base", None),
    ("GET", "/api/admin/models?limit=0", None),
    ("GET", "/api/models?min_context=many", None),
    ("GET", "/api/models/search?max_cost=NaN", None),
]


def test_a_lost_update_is_refused_and_says_who_was_faster(proxy: LLMProxy, admin: httpx.Client) -> None:
    operator = llmproxy_json("admins", "create", "bob", "--role", "operator", env=proxy.env)["key"]
    wait_for_key(proxy, operator)
    admin.put("/api/admin/models/twice", json=simulated("twice"))
    seen = admin.get("/api/admin/models/twice")
    tag = seen.headers["etag"]
    first = httpx.put(
        f"{proxy.url}/api/admin/models/twice",
        json=seen.json()["document"] | {"weight": 2},
        headers=bearer(operator) | {"if-match": tag},
    )
    assert first.status_code == 200
    changed = seen.json()["document"] | {"weight": 3}
    for answer in (
        admin.put("/api/admin/models/twice", json=changed, headers={"if-match": tag}),
        admin.post("/api/admin/models/twice/disable", headers={"if-match": tag}),
        admin.delete("/api/admin/models/twice", headers={"if-match": tag}),
        admin.put("/api/admin/models/twice", json=changed, headers={"if-none-match": "*"}),
    ):
        assert error_of(answer) == (412, "precondition_failed")
        assert "by bob at 20" in answer.json()["error"]["message"]
    present = admin.get("/api/admin/models/twice")
    assert (present.json()["document"]["weight"], present.headers["etag"]) == (2, first.headers["etag"])

    tag = admin.get(f"/api/admin/projects/{PROJECT}").headers["etag"]
    headers = {"if-match": tag}
    limits = f"/api/admin/projects/{PROJECT}/limits"
    assert admin.patch(limits, json={"rpm": 100_000}, headers=headers).status_code == 200
    again = admin.patch(limits, json={"rpm": 200_000}, headers=headers)
    assert error_of(again) == (412, "precondition_failed")
    assert "by admin at 20" in again.json()["error"]["message"]
    assert admin.delete("/api/admin/models/twice").json()["removed"] == ["twice"]


def test_lists_are_filtered_and_cut_and_cursors_belong_to_their_filter(admin: httpx.Client) -> None:
    documents = [simulated(f"many-{number:02}", weight=1 + number % 2) for number in range(25)]
    assert admin.post("/api/admin/models/apply", json=documents).json()["applied"] is True
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        more = "" if cursor is None else f"&cursor={cursor}"
        part = admin.get(f"/api/admin/models?q=MANY&limit=10{more}")
        found += [one["id"] for one in part.json()["data"]]
        cursor = part.json()["next"]
    assert found == [f"many-{number:02}" for number in range(25)]
    cursor = admin.get("/api/admin/models", params={"q": "many", "limit": 10}).json()["next"]
    for wrong in ({"q": "other"}, {"q": "many", "state": "disabled"}, {"provider": "Simulator"}):
        answer = admin.get("/api/admin/models", params=wrong | {"cursor": cursor})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "cursor")
        assert "another filter" in answer.json()["error"]["message"]
    for junk in ("x", "é", "W10", "a" * 10_000, "bnVsbA"):
        answer = admin.get("/api/admin/models", params={"cursor": junk})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "cursor"), junk
    admin.post("/api/admin/models/many-00/disable")
    off = admin.get("/api/admin/models", params={"q": "many", "state": "disabled"}).json()["data"]
    assert [one["id"] for one in off] == ["many-00"]


@pytest.mark.parametrize(("method", "path", "body"), BAD, ids=range(len(BAD)))
def test_bad_input_is_refused_and_changes_nothing(admin: httpx.Client, method: str, path: str, body: object) -> None:
    answer = admin.request(method, path, json=body)
    assert answer.status_code in {400, 413}, answer.text[:300]
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert len(error["message"]) < 2000
    assert admin.get("/api/admin/models/bad").status_code == 404
    assert admin.get("/api/admin/projects/ok").status_code == 404


def test_bodies_that_are_not_json_or_too_large_are_refused(proxy: LLMProxy, admin: httpx.Client) -> None:
    def large() -> Iterator[bytes]:
        for _ in range(3):
            yield b" " * 600_000

    for content, status in ((b"{", 400), (b'{"id": 1e999}', 400), (b"\xff", 400)):
        assert admin.put("/api/admin/models/bad", content=content).status_code == status
    # Without a key no more than 1 MiB is read.
    for path in ("/api/admin/projects", "/api/load-test/start"):
        answer = httpx.post(f"{proxy.url}{path}", content=large(), headers={"content-type": "application/json"})
        assert error_of(answer) in {(413, "request_too_large"), (401, "invalid_api_key")}


def test_secrets_are_masked_and_masks_stand_for_them(admin: httpx.Client) -> None:
    seen = admin.get("/api/admin/models/dear")
    assert seen.json()["document"]["parameters"]["api_key"] == "********"
    written = admin.put("/api/admin/models/dear", json=seen.json()["document"] | {"weight": 7}).json()
    assert [one["fields"] for one in written["steps"]] == [[{"field": "weight", "change": "added", "new": 7}]]
    settings = {one["name"]: one for one in admin.get("/api/admin/settings").json()["data"]}
    assert settings["LLMPROXY_ADMIN_KEY"]["value"] == "********"
    assert (settings["LLMPROXY_REFRESH_INTERVAL"]["value"], settings["LLMPROXY_REFRESH_INTERVAL"]["source"]) == (
        0.5,
        "environment",
    )
    assert (settings["LLMPROXY_ADMIN"]["value"], settings["LLMPROXY_ADMIN"]["source"]) == ("on", "default")
    everything = "".join(
        admin.get(f"/api/admin/{path}").text for path in ("settings", "models/dear", "audit?limit=1000", "history")
    )
    assert SECRET_IN_DOCUMENT not in everything
    assert ADMIN_KEY not in everything


def test_a_project_is_changed_disabled_and_deleted(proxy: LLMProxy, admin: httpx.Client) -> None:
    admin.post("/api/admin/projects", json={"id": "short", "tags": {"team": "red", "cost": "1"}})
    key = admin.post("/api/admin/projects/short/keys", json={}).json()["key"]
    assert call(proxy, key).status_code == 200
    tag = admin.get("/api/admin/projects/short").headers["etag"]
    changed = admin.patch("/api/admin/projects/short", json={"name": "Short", "tags": {"team": None, "who": "x"}})
    assert changed.json() == {"id": "short", "name": "Short", "tags": {"cost": "1", "who": "x"}}
    assert error_of(admin.delete("/api/admin/projects/short", headers={"if-match": tag}))[0] == 412
    admin.patch("/api/admin/projects/short", json={"enabled": False})
    assert error_of(call(proxy, key)) == (401, "invalid_api_key")
    content = admin.put("/api/admin/projects/short/content", json={"log": "full", "retention_days": 3}).json()
    assert content["after"] == {"log": "full", "retention_days": 3}
    assert admin.put("/api/admin/projects/short/content", json={"log": "none"}).json()["after"] is None
    assert error_of(admin.put("/api/admin/projects/short/content", json={"log": "all"}))[0] == 400
    assert admin.delete("/api/admin/projects/short").json() == {"id": "short", "deleted": True, "usable_keys": 0}
    assert error_of(admin.delete("/api/admin/projects/short")) == (404, "not_found")


def test_an_administrator_is_created_rotated_and_revoked_at_once(proxy: LLMProxy, admin: httpx.Client) -> None:
    def status(key: str) -> int:
        return httpx.get(f"{proxy.url}/api/admin/projects", headers=bearer(key)).status_code

    made = admin.post("/api/admin/administrators", json={"name": "carol", "role": "finance"})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    old = made.json()["key"]
    assert status(old) == 200
    new = admin.post("/api/admin/administrators/carol/rotate", json={"overlap_seconds": 0}).json()["key"]
    assert [status(old), status(new)] == [401, 200]
    assert len(admin.post("/api/admin/administrators/carol/revoke", json={}).json()["revoked"]) == 2
    assert status(new) == 401
    assert error_of(admin.post("/api/admin/administrators", json={"name": "carol", "role": "viewer"})) == (
        409,
        "already_exists",
    )
