"""The stores that the settings ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from application.ports.catalog_store import CatalogStore
from application.ports.usage_store import UsageStore
from infra.catalog_store.memory import MemoryCatalogStore
from infra.catalog_store.sqlite import SqliteCatalogStore
from infra.usage_store.journal import Journal
from infra.usage_store.memory import MemoryUsageStore, Unjournaled
from infra.usage_store.sqlite import SqliteUsageStore
from llmproxy.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept, and the journal through which ledger lines get there."""

    catalog: CatalogStore
    usage: UsageStore
    journal: Journal | Unjournaled


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the stores, ready to use, and close them again.

    Lines that dead processes left in the journal are taken over as soon as the journal is started by whoever needs it.

    Raises:
        StoreUnavailableError: a store cannot be opened.
    """
    stores = _make(settings)
    try:
        await stores.catalog.prepare()
        await stores.usage.prepare()
        yield stores
    finally:
        await stores.journal.close()
        await stores.usage.close()
        await stores.catalog.close()


def _make(settings: Settings) -> Stores:
    if settings.in_memory:
        usage = MemoryUsageStore()
        return Stores(MemoryCatalogStore(), usage, Unjournaled(usage))
    folder = Path(settings.data_dir)
    kept = SqliteUsageStore(folder / "usage.sqlite3")
    return Stores(SqliteCatalogStore(folder / "catalog.sqlite3"), kept, Journal(folder / "journal", kept))
