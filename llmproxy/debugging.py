"""The paths for operators who look into a running server."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import APIRouter

from infra.clients.http.pool import HttpPool
from infra.controllers.admin_access import AdminAccess
from infra.controllers.debug import debug_router
from infra.telemetry.log_levels import LogLevels
from infra.telemetry.memory_watch import MemoryWatch, container_limit
from llmproxy.settings import Settings


@asynccontextmanager
async def debug_routes(folder: Path | None, access: AdminAccess, memory: MemoryWatch) -> AsyncIterator[APIRouter]:
    """Yield the routes, and run what they need.

    Args:
        folder: ``DATA_DIR``, which worker processes share; None if nothing is kept on disk.
        access: who may use them.
        memory: of this process.
    """
    parent = multiprocessing.parent_process()
    server = os.getpid() if parent is None or parent.pid is None else parent.pid
    levels = LogLevels(folder and folder / "log_levels.json", server)
    tasks = [asyncio.create_task(levels.follow()), asyncio.create_task(memory.run())]
    yield debug_router(levels, memory, access)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def memory_watch(settings: Settings, pool: HttpPool) -> MemoryWatch:
    """Return the watch over the memory of this process."""
    limit = settings.llmproxy_memory_limit or container_limit()
    return MemoryWatch(limit, {"idle connections": pool.release_idle})
