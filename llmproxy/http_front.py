"""The part of the composition root that faces callers: their limits, the pages, and the ASGI application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp

from infra.controllers.addresses import Networks
from infra.controllers.asgi_app import AsgiApp
from infra.controllers.connections import CallerLimits
from infra.controllers.openai.handler import BodyLimits, Handler
from infra.controllers.request_log import AccessLog, RequestRecord
from infra.price_list.litellm_file import package_folder
from infra.telemetry.process_facts import descriptor_limit
from llmproxy.settings import Authentication, Settings

_RESERVED_DESCRIPTORS = 64
"""File descriptors that are not for calls: stores, journal, logs."""


def make_app(
    settings: Settings,
    handler: Handler,
    pages: ASGIApp,
    access_log: AccessLog | None,
    count: Callable[[RequestRecord], None] | None,
) -> AsgiApp:
    """Build the ASGI application."""
    return AsgiApp(
        handler,
        pages,
        access_log,
        trusted_proxies=_trusted_proxies(settings),
        local_only=settings.auth is Authentication.OFF,
        count=count,
    )


def body_limits(settings: Settings) -> BodyLimits:
    """Return the limits of request bodies."""
    return BodyLimits(
        settings.llmproxy_max_body_bytes, settings.llmproxy_body_timeout, settings.llmproxy_max_upload_bytes
    )


def caller_limits(settings: Settings) -> CallerLimits:
    """Return the limits for connections, so that there is a file descriptor for whatever calls need."""
    most, descriptors = settings.llmproxy_max_connections, descriptor_limit()
    if descriptors is not None:  # each call may need another one for its upstream, and stores need some, too
        most = min(most, max((descriptors - _RESERVED_DESCRIPTORS) // 2, 1))
    return CallerLimits(
        connections=most,
        per_address=settings.llmproxy_max_connections_per_address,
        send_timeout=settings.llmproxy_send_timeout,
        trusted_proxies=_trusted_proxies(settings),
    )


def _trusted_proxies(settings: Settings) -> Networks:
    return Networks.parse(settings.llmproxy_trusted_proxies or "")


def docs_assets() -> Path | None:
    """Find Swagger UI in the installed LiteLLM, which brings it along, without importing it."""
    folder = package_folder()
    return None if folder is None else folder / "proxy" / "swagger"
