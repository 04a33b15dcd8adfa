"""The paths for operators who look into a running server."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import APIRouter

from infra.controllers.debug import debug_router
from infra.controllers.ops import Health
from infra.telemetry.log_levels import LogLevels


@asynccontextmanager
async def debug_routes(folder: Path | None, health: Health) -> AsyncIterator[APIRouter]:
    """Yield the routes, and run what they need.

    Args:
        folder: ``DATA_DIR``, which worker processes share; None if nothing is kept on disk.
        health: knows the administrator.
    """
    parent = multiprocessing.parent_process()
    server = os.getpid() if parent is None or parent.pid is None else parent.pid
    levels = LogLevels(folder and folder / "log_levels.json", server)
    follower = asyncio.create_task(levels.follow())
    yield debug_router(levels, health.is_admin)
    follower.cancel()
    with suppress(asyncio.CancelledError):
        await follower
