"""The ASGI application that a server process runs, built from its environment when the process starts."""

from __future__ import annotations

import gc
import sys
from contextlib import AsyncExitStack

from starlette.types import ASGIApp, Receive, Scope, Send

from application.errors import StoreUnavailableError
from infra.telemetry.logs import AccessLog, configure_logging
from llmproxy.settings import Settings, load_environment, load_settings
from llmproxy.wiring import open_product

_SWITCH_SECONDS = 0.0005
"""How long the event loop may have to wait for another thread of this process.

Threads are rare here, but with Python's 5 ms the one that reads the catalogue from SQLite, row by row, would hold up
each turn of the loop for as long: a call takes several.
"""


class Application:
    """Opens the product when the server starts and closes it when it stops.

    Args:
        settings: how to run.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        access_log = AccessLog(sys.stdout) if self._settings.llmproxy_access_log else None
        async with AsyncExitStack() as stack:
            await receive()  # lifespan.startup
            try:
                product = await stack.enter_async_context(open_product(self._settings, load_environment(), access_log))
            except StoreUnavailableError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            self._app = product.app
            _spare_the_collector()
            sys.setswitchinterval(_SWITCH_SECONDS)
            await send({"type": "lifespan.startup.complete"})
            await receive()  # lifespan.shutdown
        if access_log is not None:
            access_log.flush()
        await send({"type": "lifespan.shutdown.complete"})


def _spare_the_collector() -> None:
    """What is there at the start stays: the garbage collector need not look at it again and again.

    Calls make few cycles, so that it may also look for them less often. Measured: 5 % of a call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def create_app() -> Application:
    """The factory that uvicorn calls in every worker process."""
    settings = load_settings()
    configure_logging(settings.llmproxy_log_level)
    return Application(settings)
