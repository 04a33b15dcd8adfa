"""The paths for operators who look into a running server."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import APIRouter

from application.admin.audit_queue import AuditQueue
from application.ports.audit_log import AuditLog
from infra.controllers.administrator import Administrator
from infra.controllers.debug import debug_router
from infra.controllers.ops import Health
from infra.telemetry.log_levels import LogLevels


@asynccontextmanager
async def administrator_of(health: Health, log: AuditLog) -> AsyncIterator[Administrator]:
    """Yield the administrator, and write what they do to the audit log."""
    queue = AuditQueue(log, lambda: time.time_ns() // 1_000_000)
    writer = asyncio.create_task(queue.write())
    yield Administrator(health.is_admin, queue.changed, queue.refused)
    writer.cancel()
    with suppress(asyncio.CancelledError):
        await writer
    await queue.close()


@asynccontextmanager
async def debug_routes(folder: Path | None, administrator: Administrator) -> AsyncIterator[APIRouter]:
    """Yield the routes, and run what they need.

    Args:
        folder: ``DATA_DIR``, which worker processes share; None if nothing is kept on disk.
        administrator: who may use them.
    """
    parent = multiprocessing.parent_process()
    server = os.getpid() if parent is None or parent.pid is None else parent.pid
    levels = LogLevels(folder and folder / "log_levels.json", server)
    follower = asyncio.create_task(levels.follow())
    yield debug_router(levels, administrator)
    follower.cancel()
    with suppress(asyncio.CancelledError):
        await follower
