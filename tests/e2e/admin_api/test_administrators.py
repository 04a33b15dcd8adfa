"""Administrators of a running server: their keys, and every route by every role."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from domain.administrators import Administrator, Role
from infra.controllers.permissions import ROUTE_PERMISSIONS
from tests.fakes.administrators import bearer, wait_for_key
from tests.fakes.llmproxy_server import ADMIN_KEY, PROJECT, LLMProxy
from tests.fakes.processes import llmproxy, llmproxy_json, wait_until

OPEN = {"/health"}
"""Paths of operators that need no key; what it shows depends on it."""
OTHER = "somebody-else"
NO_EFFECT = {"if-match": '"none"'}
"""A condition that no document meets, so that permitted changes of documents fail."""


def described(proxy: LLMProxy) -> set[str]:
    """Return every path for administrators, as method and path."""
    paths: dict[str, dict[str, dict[str, Any]]] = httpx.get(f"{proxy.url}/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method, operation in methods.items()
        if {"operations", "administration"} & set(operation.get("tags", ())) and path not in OPEN
    }


def test_every_path_for_administrators_has_its_row(proxy: LLMProxy) -> None:
    rows = {row.replace(":path}", "}") for row in ROUTE_PERMISSIONS}
    assert described(proxy) == rows - {"GET /v1/status"}  # the same as /status, not described


def test_every_route_by_every_role(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    wrong: list[str] = []
    with httpx.Client(base_url=proxy.url, timeout=30) as client:
        for row, permission in ROUTE_PERMISSIONS.items():
            method, _, template = row.partition(" ")
            for project in (PROJECT, OTHER) if "{project}" in template else (None,):
                path = re.sub(r"\{[^}]+\}", "x", template.replace("{project}", project or ""))
                for role, key in keys.items():
                    status = client.request(method, path, headers=bearer(key) | NO_EFFECT).status_code
                    scope = frozenset({PROJECT}) if role is Role.OWNER else frozenset[str]()
                    allowed = Administrator("x", role, scope).may(permission, project)
                    if (status == httpx.codes.FORBIDDEN) is allowed or status in {401, 500}:
                        wrong.append(f"{row} {project or ''} by {role}: {status}")
                for key in (proxy.key, ADMIN_KEY, "sk-unknown", ""):
                    status = client.request(method, path, headers={"x-api-key": key}).status_code
                    if status != httpx.codes.UNAUTHORIZED:
                        wrong.append(f"{row} with another key: {status}")
    assert wrong == []


def test_the_key_of_an_administrator_calls_no_model(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    body = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}]}
    answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=bearer(keys[Role.ADMIN]))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_a_refusal_for_want_of_a_permission_is_explained_and_recorded(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    answer = httpx.post(f"{proxy.url}/check", headers=bearer(keys[Role.VIEWER]))
    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "message": "The role 'viewer' of this key does not include 'health.check' here.",
        "type": "invalid_request_error",
        "param": None,
        "code": "not_permitted",
    }

    def recorded() -> bool:
        entries = json.loads(proxy.command("audit", "list", "--actor", "viewer", "--limit", "1000", "--json"))
        found = [one for one in entries if one["action"] == "POST /check"]
        return [(one["outcome"], one["reason"]) for one in found[:1]] == [("refused", "lacks health.check")]

    wait_until(recorded, what="the refusal in the audit log")


def test_the_commands_create_list_rotate_and_revoke(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    assert keys
    made = llmproxy_json("admins", "create", "alice@example.com", "--role", "operator", env=proxy.env)
    wait_for_key(proxy, made["key"])
    new = llmproxy_json("admins", "rotate", "alice@example.com", "--overlap", "1h", env=proxy.env)
    wait_for_key(proxy, new["key"])
    wait_for_key(proxy, made["key"])
    listed = llmproxy_json("admins", "list", env=proxy.env)
    assert made["key"] not in json.dumps(listed)
    assert "sha256" not in json.dumps(listed)
    (alice,) = [one for one in listed if one["name"] == "alice@example.com"]
    assert (alice["role"], alice["usable_keys"]) == ("operator", 2)
    llmproxy("admins", "revoke", "alice@example.com", env=proxy.env)
    for key in (made["key"], new["key"]):
        wait_for_key(proxy, key, accepted=False)


def test_every_body_is_described_with_an_example(proxy: LLMProxy) -> None:
    description = httpx.get(f"{proxy.url}/openapi.json").json()
    without: list[str] = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if "administration" not in operation.get("tags", ()):
                continue
            assert operation["security"] == [{"key": []}], path
            assert operation["summary"], path
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None and not _has_example(content, description["components"]["schemas"]):
                without.append(f"{method.upper()} {path}")
    assert without == []


def _has_example(content: dict[str, Any], schemas: dict[str, Any]) -> bool:
    reference = content["schema"].get("$ref", "")
    schema = schemas[reference.rpartition("/")[2]] if reference else content["schema"]
    return "example" in content or any("examples" in member for member in schema.get("properties", {}).values())
