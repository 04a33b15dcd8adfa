"""The catalogue stores that the contract suites run against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from application.ports.catalog_store import CatalogStore
from infra.catalog_store.cosmos import CosmosCatalogStore
from infra.catalog_store.memory import MemoryCatalogStore
from infra.catalog_store.sqlite import SqliteCatalogStore
from infra.clients.cosmos import CosmosDatabase
from tests.fakes.cosmos_server import cosmos_account

ADAPTERS: dict[str, Callable[[Path], CatalogStore]] = {
    "sqlite": lambda folder: SqliteCatalogStore(folder / "deep" / "catalog.sqlite3"),
    "memory": lambda _: MemoryCatalogStore(),
}


def cosmos_store(port: int, *, database: str | None = None) -> CosmosCatalogStore:
    """Return a store on a local server, in a new database unless one is named."""
    return CosmosCatalogStore(CosmosDatabase(cosmos_account(port, database=database)), "models")
