"""The stores that the settings ask for."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from application.admin.audit_trail import AuditTrail
from application.errors import StoreUnavailableError
from application.ports.alerts import Alerts
from application.ports.audit_log import AuditLog
from application.ports.catalog_store import CatalogStore
from application.ports.content_log import ContentLog
from application.ports.health_store import HealthStore
from application.ports.in_flight import InFlight
from application.ports.lease_store import LeaseStore
from application.ports.usage_store import UsageStore
from infra.alerts.log import LogAlerts
from infra.alerts.webhook import WebhookAlerts
from infra.audit_log.cosmos import CosmosAuditLog
from infra.audit_log.memory import MemoryAuditLog
from infra.audit_log.sqlite import SqliteAuditLog
from infra.catalog_store.cosmos import CosmosCatalogStore
from infra.catalog_store.memory import MemoryCatalogStore
from infra.catalog_store.snapshot import SnapshotFile
from infra.catalog_store.sqlite import SqliteCatalogStore
from infra.clients.cosmos import CosmosAccount, CosmosDatabase
from infra.clients.http.pool import HttpPool
from infra.content_log.cosmos import CosmosContentLog
from infra.content_log.files import FileContentLog
from infra.health_store.cosmos import CosmosHealthStore
from infra.health_store.memory import MemoryHealthStore
from infra.health_store.sqlite import SqliteHealthStore
from infra.in_flight.mapped import MappedInFlight
from infra.in_flight.memory import MemoryInFlight
from infra.lease_store.cosmos import CosmosLeaseStore
from infra.lease_store.memory import MemoryLeaseStore
from infra.lease_store.sqlite import SqliteLeaseStore
from infra.usage_store.cosmos import CosmosUsageStore
from infra.usage_store.journal import Journal
from infra.usage_store.memory import MemoryUsageStore, Unjournaled
from infra.usage_store.sqlite import SqliteUsageStore
from llmproxy.settings import Settings

EMBEDDED_FILES = ("catalog.sqlite3", "usage.sqlite3")
"""Files of the embedded stores in ``DATA_DIR``."""

_RESERVE_BYTES = 8 * 1024 * 1024
"""Room for the lines that the journal keeps in memory while the disk is full."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores, and the journal in front of the ledger.

    Args:
        catalog: documents.
        usage: the ledger.
        journal: ledger lines not in the store yet.
        leases: what processes share about limits and budgets.
        audit: what administrators changed and were refused.
        health: results of probes.
        content: of calls, of projects that ask for it; None where nothing is kept beyond the process.
        snapshot: the last catalogue on this machine's disk, if the store is elsewhere.
        trail: records what a command does; None in a server.
    """

    catalog: CatalogStore
    usage: UsageStore
    journal: Journal | Unjournaled
    leases: LeaseStore
    audit: AuditLog
    health: HealthStore
    content: ContentLog | None = None
    snapshot: SnapshotFile | None = None
    trail: AuditTrail | None = None


@asynccontextmanager
async def open_stores(settings: Settings, *, create: bool = False, degraded: bool = False) -> AsyncIterator[Stores]:
    """Open the stores, ready to use, and close them again.

    The journal takes over lines of dead processes once it is started.

    Args:
        settings: the stores and their addresses.
        create: create what is missing in a store that is shared, too, which needs more rights than using it.
        degraded: continue with an unavailable store, whose methods raise until it is available.

    Raises:
        StoreUnavailableError: a store cannot be opened.
    """
    stores = _make(settings)
    optional = (stores.leases, stores.audit, stores.health, stores.content)
    try:
        for store in (stores.catalog, stores.usage, stores.leases, stores.audit, stores.health, stores.content):
            if store is None:
                continue
            try:
                await (store.prepare() if create else store.open())
            except StoreUnavailableError as error:
                # Without leases everything works but limits, without the audit log everything but changes: they say so.
                # Without health nothing is shared, without the content log records wait.
                if not degraded and (create or store not in optional):
                    raise
                logger.warning("a store is unavailable", extra={"reason": str(error)})
        yield stores
    finally:
        await stores.journal.close()
        await stores.audit.close()
        if stores.content is not None:
            await stores.content.close()
        await stores.leases.close()
        await stores.health.close()
        await stores.usage.close()
        await stores.catalog.close()


def _make(settings: Settings) -> Stores:
    if settings.in_memory:
        usage = MemoryUsageStore()
        empty = (MemoryLeaseStore(), MemoryAuditLog(), MemoryHealthStore())
        return Stores(MemoryCatalogStore(), usage, Unjournaled(usage), *empty)
    folder = Path(settings.data_dir)
    leases: LeaseStore
    audit: AuditLog
    if settings.cosmos_url:
        database = CosmosDatabase(_account(settings, settings.cosmos_url))
        ledger = CosmosUsageStore(database)
        models = CosmosCatalogStore(database, settings.cosmos_container_id)
        journal, snapshot = _journal(folder, ledger), SnapshotFile(folder / "catalog.json")
        leases, audit = CosmosLeaseStore(database), CosmosAuditLog(database)
        health, content = CosmosHealthStore(database), CosmosContentLog(database)
        return Stores(models, ledger, journal, leases, audit, health, content, snapshot)
    kept, catalog = SqliteUsageStore(folder / "usage.sqlite3"), SqliteCatalogStore(folder / "catalog.sqlite3")
    leases, audit = SqliteLeaseStore(folder / "leases.sqlite3"), SqliteAuditLog(folder / "audit.sqlite3")
    others = (SqliteHealthStore(folder / "health.sqlite3"), FileContentLog(folder / "content"))
    return Stores(catalog, kept, _journal(folder, kept), leases, audit, *others)


def line_id() -> str:
    """Return a unique id in the order of time: stores that sort by id then append, which is several times as fast."""
    return f"{time.time_ns():016x}{random.getrandbits(64):016x}"


def make_alerts(settings: Settings, pool: HttpPool) -> Alerts:
    """Return where alerts are delivered."""
    if settings.llmproxy_alert_webhook is None:
        return LogAlerts()
    secret = settings.llmproxy_alert_secret
    url = settings.llmproxy_alert_webhook.get_secret_value()
    return WebhookAlerts(pool, url, "" if secret is None else secret.get_secret_value())


def make_in_flight(settings: Settings) -> InFlight:
    """Open the record of calls in flight of this process.

    Raises:
        StoreUnavailableError: the disk refuses.
    """
    if settings.in_memory:
        return MemoryInFlight("memory")
    try:
        return MappedInFlight(Path(settings.data_dir) / "inflight")
    except OSError as error:
        raise StoreUnavailableError(f"the record of calls in flight: {error.strerror}") from None


def _journal(folder: Path, ledger: UsageStore) -> Journal:
    return Journal(folder / "journal", ledger, reserve_bytes=_RESERVE_BYTES)


def _account(settings: Settings, url: str) -> CosmosAccount:
    return CosmosAccount(
        url,
        "" if settings.cosmos_key is None else settings.cosmos_key.get_secret_value(),
        settings.cosmos_database_id,
        verify_tls=settings.llmproxy_cosmos_verify_tls,
        throughput=settings.llmproxy_cosmos_throughput,
    )
