"""The ASGI application of a server process, built from its environment at start."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
from contextlib import AsyncExitStack

from starlette.types import ASGIApp, Receive, Scope, Send

from application.errors import StoreUnavailableError
from infra.controllers.connections import CONNECTIONS
from llmproxy.log_outputs import Logs, open_logs
from llmproxy.settings import Settings, load_environment, load_settings
from llmproxy.wiring import open_product

_SWITCH_SECONDS = 0.0005
"""Maximum time in seconds that another thread delays the event loop.

With Python's default of 5 ms the thread that reads the catalogue from SQLite, row by row, would delay each iteration of
the loop by as much: a call takes several.
"""


class Application:
    """The application, opened when the server starts and closed when it stops.

    Args:
        settings: of the server.
        logs: of this process.
    """

    def __init__(self, settings: Settings, logs: Logs) -> None:
        self._settings = settings
        self._logs = logs
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            await receive()  # lifespan.startup
            try:
                opened = open_product(self._settings, load_environment(), self._logs)
                product = await stack.enter_async_context(opened)
            except StoreUnavailableError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            self._app = product.app
            scope["state"][CONNECTIONS] = product.connections
            _tune_garbage_collection()
            sys.setswitchinterval(_SWITCH_SECONDS)
            _end_with_parent()
            await send({"type": "lifespan.startup.complete"})
            await receive()  # lifespan.shutdown
        self._logs.close()
        await send({"type": "lifespan.shutdown.complete"})


def _tune_garbage_collection() -> None:
    """Exclude the objects of the start from garbage collection, and collect less often: calls create few cycles.

    Measured: 5 % of the time of a call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _end_with_parent() -> None:
    """Stop a worker process when its supervisor dies, however that happens."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.remove_reader(supervisor.sentinel)
            os.kill(os.getpid(), signal.SIGTERM)

        loop.add_reader(supervisor.sentinel, stop)


def create_app() -> Application:
    """Create the application; uvicorn calls this in every worker process."""
    settings = load_settings()
    return Application(settings, open_logs(settings))
