"""Wiring of administrators: who they are, and the record of what they do by requests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from application.admin.audit_queue import AuditQueue
from application.admin.identities import AdministratorKeys, Identify, first_match
from application.errors import StoreUnavailableError
from application.serving.ledger import Clock
from infra.controllers.admin_access import AdminAccess
from llmproxy.settings import Settings
from llmproxy.stores import Stores


@asynccontextmanager
async def admin_access(
    settings: Settings, stores: Stores, clock: Clock, others: Sequence[Identify] = ()
) -> AsyncIterator[AdminAccess]:
    """Yield the access of administrators; follow their documents and write what they do to the audit log.

    Args:
        settings: of the server.
        stores: where their documents and the audit log are.
        clock: time.
        others: further ways to authenticate, asked in this order after the keys.
    """
    first = settings.llmproxy_admin_key
    keys = AdministratorKeys(
        stores.catalog,
        lambda: datetime.fromtimestamp(clock.time(), UTC),
        None if first is None else first.get_secret_value(),
        keep_first_key=settings.llmproxy_keep_admin_key,
    )
    with suppress(StoreUnavailableError):  # the catalogue, in the same store, has reported it
        await keys.refresh()
    queue = AuditQueue(stores.audit, lambda: int(clock.time() * 1000))
    tasks = [
        asyncio.create_task(keys.follow(settings.llmproxy_refresh_interval, random.random), name="administrators"),
        asyncio.create_task(queue.write(), name="audit queue"),
    ]
    try:
        yield AdminAccess(first_match(keys.identify, *others), keys.refresh, queue.changed, queue.refused)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await queue.close()
