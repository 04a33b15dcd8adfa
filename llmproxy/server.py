"""The uvicorn server with our settings, and its end: not ready at once, then calls under way may finish."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType

import uvicorn

from infra.controllers.connections import CONNECTIONS, CallerConnections, CallerLimits
from infra.controllers.uvicorn_compat import GuardedProtocol
from llmproxy.settings import Settings, load_settings
from llmproxy.tls import certificate_of

_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than the 60 s of load balancers, so that they close first."""

_BACKLOG = 4096
_TICK = 0.05
_IDLE_SECONDS = 0.5
"""Seconds that an idle connection stays open once the server stops: a request that was already sent is still served."""
_SETTLE_SECONDS = 5.0
"""Time in which calls that were cut off write their error event and their ledger line."""


class DrainingServer(uvicorn.Server):
    """A server that reports when it accepts connections, and stops in an orderly manner.

    The first signal makes it not ready; SIGTERM respects the drain delay, SIGINT does not. A second SIGINT cuts off
    the calls under way.

    Args:
        config: of uvicorn.
        settings: the delays of its end.
        on_ready: called when connections are accepted.
    """

    def __init__(self, config: uvicorn.Config, settings: Settings, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._certificate = certificate_of(settings)
        self._following: asyncio.Task[None] | None = None
        self._delay = settings.llmproxy_drain_delay
        self._drain = settings.llmproxy_drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup(sockets)
        if self._certificate is not None and self.config.ssl is not None:
            self._following = asyncio.create_task(self._certificate.follow(self.config.ssl), name="certificate")
        if self.started:
            self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note a signal that ends the server."""
        if sig == signal.SIGINT:
            self._delay = 0
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, let calls finish, cut off those that last too long, and close everything."""
        callers = self.lifespan.state.get(CONNECTIONS) or CallerConnections(CallerLimits())
        callers.draining = True
        if self._following is not None:
            self._following.cancel()
        await self._until(lambda: not self._delay, self._delay)
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        state = self.server_state
        await self._until(lambda: not state.connections, _IDLE_SECONDS)
        for connection in list(state.connections):
            connection.shutdown()
        await self._until(lambda: not (state.connections or state.tasks), self._drain)
        self.force_exit = False
        for task in state.tasks:
            task.cancel()
        await self._until(lambda: not (state.connections or state.tasks), _SETTLE_SECONDS)
        await self.lifespan.shutdown()

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait until something is done, or the time is up, or a second SIGINT arrives."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (done() or self.force_exit):  # noqa: ASYNC110 - uvicorn's state has no event
                    await asyncio.sleep(_TICK)


def run_alone(
    listener: socket.socket, on_ready: Callable[[], None], on_hangup: Callable[[], None] | None = None
) -> int:
    """Serve in this process until a signal; returns the exit code.

    Args:
        listener: a bound socket.
        on_ready: called when connections are accepted.
        on_hangup: called in a thread on SIGHUP; None if it ends the server, as where a terminal closes.
    """
    server = _make(on_ready)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    if hasattr(signal, "SIGHUP"):

        def hangup(number: int, frame: FrameType | None) -> None:
            if on_hangup is None:
                server.handle_exit(number, frame)
            else:
                threading.Thread(target=on_hangup, name="reload", daemon=True).start()

        signal.signal(signal.SIGHUP, hangup)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def run_worker(listener: socket.socket, ready: Connection) -> None:
    """Serve in a worker process until a signal.

    Args:
        listener: a bound socket, shared with the other workers.
        ready: receives None when connections are accepted.
    """
    server = _make(lambda: ready.send(None))
    # Before uvicorn's own handlers, so that no signal is lost while the application is loaded.
    signal.signal(signal.SIGINT, server.handle_exit)
    signal.signal(signal.SIGTERM, server.handle_exit)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's business
    server.run(sockets=[listener])


def _make(on_ready: Callable[[], None]) -> DrainingServer:
    settings = load_settings()
    config = uvicorn.Config(
        "llmproxy.asgi:create_app",
        factory=True,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=GuardedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing reads the caller's address
        timeout_keep_alive=_KEEP_ALIVE,
        backlog=_BACKLOG,
        ssl_certfile=settings.llmproxy_tls_cert,
        ssl_keyfile=settings.llmproxy_tls_key,
    )
    return DrainingServer(config, settings, on_ready)
