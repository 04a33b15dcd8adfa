"""The administration on a port of its own: a second listener in each process, whose requests never meet model calls."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from application.errors import StoreUnavailableError
from domain.errors import UnknownRouteError
from infra.controllers.connections import CONNECTIONS, CallerConnections
from infra.controllers.openai.routes import Route, StoredRoute
from infra.controllers.request_log import RequestRecord
from infra.controllers.uvicorn_compat import GuardedProtocol
from llmproxy.http_front import caller_limits, make_app
from llmproxy.log_outputs import Logs
from llmproxy.settings import Settings
from llmproxy.tls import certificate_of


@asynccontextmanager
async def open_admin_port(settings: Settings, pages: ASGIApp, logs: Logs) -> AsyncIterator[None]:
    """Serve pages on ``LLMPROXY_ADMIN_PORT`` until the block ends. Worker processes share the port.

    Raises:
        StoreUnavailableError: the port cannot be used.
    """
    app = make_app(settings, _no_calls, pages, logs.access, None)
    config = uvicorn.Config(
        app,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_certfile=settings.llmproxy_tls_cert,
        ssl_keyfile=settings.llmproxy_tls_key,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    server.lifespan.state[CONNECTIONS] = CallerConnections(caller_limits(settings))
    await server.startup([_listener(settings.host, settings.llmproxy_admin_port or 0)])
    certificate, following = certificate_of(settings), None
    if certificate is not None and config.ssl is not None:
        following = asyncio.create_task(certificate.follow(config.ssl), name="certificate of the administration")
    try:
        yield
    finally:
        if following is not None:
            following.cancel()
        server.force_exit = True  # requests under way are cut
        await server.shutdown()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, reuse_port=hasattr(socket, "SO_REUSEPORT"))
    except OSError as error:
        raise StoreUnavailableError(f"LLMPROXY_ADMIN_PORT: port {port}: {os.strerror(error.errno or 0)}") from None


async def _no_calls(
    route: Route | StoredRoute, scope: Scope, receive: Receive, send: Send, record: RequestRecord
) -> None:
    """Refuse model calls, which have another port."""
    del route, receive, send, record
    raise UnknownRouteError(f"Unknown request URL: {scope['method']} {scope['path']}.")
