"""Administrators of every role for a server under test."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import httpx

from application.admin.administrators import create_administrator
from domain.administrators import Role
from infra.catalog_store.sqlite import SqliteCatalogStore
from tests.fakes.llmproxy_server import PROJECT, LLMProxy
from tests.fakes.processes import wait_until

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
SECRET_IN_DOCUMENT = "a-secret-that-stands-in-a-document"
DEAR = {"currency": "USD", "cost_input_1Mtokens": "123456.123456789", "cost_output_1Mtokens": 10}
ANSWERED: dict[str, set[str]] = defaultdict(set)
"""Request ids of the calls that were answered, by the address of the server."""


def create_administrators(data: Path) -> dict[Role, str]:
    """Create one administrator of each role, named after it, as the command does; return their keys.

    The owner's project is that of the server under test, which must exist.
    """

    async def create() -> dict[Role, str]:
        store = SqliteCatalogStore(data / "catalog.sqlite3")
        keys: dict[Role, str] = {}
        for role in Role:
            projects = [PROJECT] if role is Role.OWNER else []
            made = await create_administrator(
                store, role.value, role, projects, now=datetime.now(UTC), random_bytes=secrets.token_bytes
            )
            keys[role] = made[0]
        await store.close()
        return keys

    return asyncio.run(create())


def wait_for_key(proxy: LLMProxy, key: str, *, accepted: bool = True) -> None:
    """Wait until the server accepts, or refuses, an administrator's key."""

    def answered() -> bool:
        answer = httpx.get(f"{proxy.url}/status", headers=bearer(key))
        return (answer.status_code != httpx.codes.UNAUTHORIZED) is accepted

    wait_until(answered, what="the administrators")


def bearer(key: str) -> dict[str, str]:
    """Return the header that presents a key."""
    return {"authorization": f"Bearer {key}"}


def call(proxy: LLMProxy, key: str, model: str = "sim", **members: object) -> httpx.Response:
    """Call a model, with further members of the body."""
    answer = httpx.post(
        f"{proxy.url}/v1/chat/completions", json={"model": model, **HELLO, **members}, headers=bearer(key)
    )
    if answer.status_code == httpx.codes.OK:
        ANSWERED[proxy.url].add(answer.headers["x-request-id"])
    return answer


def wait_for_lines(admin: httpx.Client) -> None:
    """Wait until the line of every call that was answered is in the ledger."""

    def found() -> bool:
        lines = admin.get("/api/admin/calls?limit=1000").json()["data"]
        return {one["request_id"] for one in lines} >= ANSWERED[str(admin.base_url).rstrip("/")]

    wait_until(found, what="the lines of the calls")


def error_of(answer: httpx.Response) -> tuple[int, str | None]:
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]
