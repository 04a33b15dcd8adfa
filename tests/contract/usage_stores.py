"""The usage stores that the contract suites run against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from application.ports.usage_store import UsageStore
from infra.clients.cosmos import CosmosDatabase
from infra.usage_store.cosmos import CosmosUsageStore
from infra.usage_store.memory import MemoryUsageStore
from infra.usage_store.sqlite import SqliteUsageStore
from tests.fakes.cosmos_server import cosmos_account

ADAPTERS = ("sqlite", "memory", "cosmos")


def make(name: str, folder: Path, cosmos_port: Callable[[], int]) -> UsageStore:
    if name == "cosmos":
        return CosmosUsageStore(CosmosDatabase(cosmos_account(cosmos_port())))
    return SqliteUsageStore(folder / "deep" / "usage.sqlite3") if name == "sqlite" else MemoryUsageStore()
