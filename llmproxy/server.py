"""Running uvicorn with our settings."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

import uvicorn
from uvicorn.supervisors import Multiprocess

from infra.controllers.http_guard import GuardedProtocol

_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than the minute of load balancers, so that they close first."""

_BACKLOG = 4096


class _Server(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def run(host: str, port: int, workers: int, on_ready: Callable[[str], None]) -> int:
    """Serve until a signal ends it; the exit code.

    Args:
        host: address to listen on.
        port: port to listen on; 0 = any free one.
        workers: number of processes.
        on_ready: called with the base URL when connections are accepted (with several workers: are about to be).
    """
    config = uvicorn.Config(
        "llmproxy.asgi:create_app",
        factory=True,
        host=host,
        port=port,
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
    listener = config.bind_socket()
    shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared, not bound
    base_url = f"http://{shown}:{listener.getsockname()[1]}"
    if workers > 1:
        on_ready(base_url)
        Multiprocess(config, sockets=[listener]).run()
        return 0
    server = _Server(config, lambda: on_ready(base_url))
    server.run(sockets=[listener])
    return 0 if server.started else 1
