"""Administrators of every role for a server under test."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path

import httpx

from application.admin.administrators import create_administrator
from domain.administrators import Role
from infra.catalog_store.sqlite import SqliteCatalogStore
from tests.fakes.llmproxy_server import PROJECT, LLMProxy
from tests.fakes.processes import wait_until


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
