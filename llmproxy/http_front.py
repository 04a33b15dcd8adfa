"""The part of the composition root that faces callers: their limits, the pages, and the ASGI application."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Scope

from infra.controllers.addresses import Networks
from infra.controllers.asgi_app import AsgiApp, Serve
from infra.controllers.call_slots import CallSlots
from infra.controllers.connections import CallerLimits
from infra.controllers.cors import Cors
from infra.controllers.local_only import HostCheck, check_local
from infra.controllers.openai.handler import BodyLimits
from infra.controllers.ops import Health
from infra.controllers.request_log import AccessLog, RequestRecord
from infra.telemetry.process_facts import descriptor_limit
from infra.telemetry.prometheus import Gauge, Sample
from llmproxy.setting_values import listed
from llmproxy.settings import Authentication, Settings

_RESERVED_DESCRIPTORS = 64
"""File descriptors that are not for calls: stores, journal, logs."""


_GAUGES = (
    ("connections", "open", "llm_proxy_caller_connections", "Open connections of callers."),
    ("connections", "refused", "llm_proxy_caller_connections_refused", "Connections refused, since the start."),
    ("connections", "send_timeouts", "llm_proxy_send_timeouts", "Responses cut because nobody read them."),
    ("calls", "under_way", "llm_proxy_calls_under_way", "Model calls under way."),
    ("calls", "waiting", "llm_proxy_calls_waiting", "Callers that wait for their turn."),
    ("calls", "refused", "llm_proxy_calls_refused", "Calls refused because too many wait, since the start."),
    ("memory", "used", "llm_proxy_memory_used_bytes", "Memory of bodies and answers."),
    ("memory", "refused", "llm_proxy_memory_refusals", "Calls refused for want of memory, since the start."),
    ("uploads", "in_progress", "llm_proxy_uploads_in_progress", "Forms in progress."),
    ("uploads", "bytes", "llm_proxy_upload_bytes", "Disk space of uploads in progress."),
    ("process", "log_lines_dropped", "llm_proxy_log_lines_dropped", "Lines of logs that were dropped."),
)
"""Section and fact of the health page, name and text of its metric."""


def caller_gauges(health: Health) -> list[Gauge]:
    """Return the metrics of what callers hold, from the facts of the health page."""

    def reader(section: str, fact: str) -> Callable[[], list[Sample]]:
        return lambda: [((), float(str(health.sections[section]()[fact])))]

    return [Gauge(name, text, (), reader(section, fact)) for section, fact, name, text in _GAUGES]


def make_app(
    settings: Settings,
    handler: Serve,
    pages: ASGIApp,
    access_log: AccessLog | None,
    count: Callable[[RequestRecord], None] | None,
) -> ASGIApp:
    """Build the ASGI application."""
    check: Callable[[Scope], None] | None = None
    if settings.llmproxy_allowed_hosts:
        check = HostCheck(listed(settings.llmproxy_allowed_hosts))
    if settings.auth is Authentication.OFF:
        check = check_local
    app = AsgiApp(handler, pages, access_log, trusted_proxies=_trusted_proxies(settings), check=check, count=count)
    origins = listed(settings.llmproxy_cors_origins or "")
    return Cors(app, origins) if origins else app


def body_limits(settings: Settings) -> BodyLimits:
    """Return the limits of request bodies."""
    return BodyLimits(
        settings.llmproxy_max_body_bytes, settings.llmproxy_body_timeout, settings.llmproxy_max_upload_bytes
    )


def call_slots(settings: Settings) -> CallSlots:
    """Return the limit of calls at a time."""
    return CallSlots(
        settings.llmproxy_max_calls, settings.llmproxy_max_waiting, settings.llmproxy_upstream_queue_timeout
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
