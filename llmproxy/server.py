"""The uvicorn server with our settings."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from uvicorn.supervisors import Multiprocess

from infra.controllers.uvicorn_compat import GuardedProtocol

_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than the 60 s of load balancers, so that they close first."""

_BACKLOG = 4096


class _Server(uvicorn.Server):
    """A server that reports when it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def run(listener: socket.socket, workers: int, on_ready: Callable[[], None]) -> int:
    """Serve until a signal; returns the exit code.

    Args:
        listener: a bound socket.
        workers: number of processes.
        on_ready: called when connections are accepted (with several workers: shortly before).
    """
    config = uvicorn.Config(
        "llmproxy.asgi:create_app",
        factory=True,
        workers=workers,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=GuardedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing reads the caller's address
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=30,
        backlog=_BACKLOG,
    )
    if workers > 1:
        on_ready()
        Multiprocess(config, sockets=[listener]).run()
        return 0
    server = _Server(config, on_ready)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once every call has ended
        server.run(sockets=[listener])
    return 0 if server.started else 1
