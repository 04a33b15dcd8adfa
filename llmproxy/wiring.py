"""The composition root: the only module that names every adapter."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from application.admin.sums import keep_sums
from application.admin.token_administrators import token_administrators
from application.errors import StoreUnavailableError
from application.serving.catalog_view import CatalogView
from application.serving.ledger import Clock, Ledger
from application.serving.response_affinity import ResponseAffinity
from application.serving.serve import Serving
from domain.administrators import Permission
from domain.response_id import ResponseIds
from infra.audio.length import length_ms
from infra.clients.memory_budget import MemoryBudget
from infra.clients.sealing import AesSiv
from infra.controllers.app import create_pages
from infra.controllers.connections import CallerConnections
from infra.controllers.discovery import discovery_router
from infra.controllers.errors import status_of
from infra.controllers.openai.handler import Handler
from infra.controllers.openai.upload_file import Uploads
from infra.controllers.ops import Health
from infra.price_list.sizes import ListedSizes
from infra.telemetry.process_facts import process_facts
from llmproxy.admin_routes import ServingParts, admin_routes
from llmproxy.administration import admin_access
from llmproxy.content import content_gauges, recording_content
from llmproxy.debugging import memory_watch
from llmproxy.health import running_probes
from llmproxy.http_front import body_limits, call_slots, caller_gauges, caller_limits, make_app
from llmproxy.identities import token_callers
from llmproxy.limits import limit_gauges, open_limits, running, self_service
from llmproxy.log_outputs import Logs
from llmproxy.metrics import Metrics, gauges_of, unknown_usage_gauge
from llmproxy.operator_routes import operator_routes
from llmproxy.providers import following_secrets, make_deployments, make_providers, product_version
from llmproxy.settings import Authentication, Settings
from llmproxy.signing import signing_key
from llmproxy.stores import Stores, line_id, open_stores
from llmproxy.tracing import open_tracing

_NO_LOGS = Logs()


@dataclass(frozen=True, slots=True)
class Product:
    """The running product."""

    app: ASGIApp
    stores: Stores
    view: CatalogView
    connections: CallerConnections


@asynccontextmanager
async def open_product(
    settings: Settings,
    environment: Mapping[str, str],
    logs: Logs = _NO_LOGS,
) -> AsyncIterator[Product]:
    """Wire everything up and run it; close it in the opposite order.

    Raises:
        StoreUnavailableError: the stores cannot be opened.
    """
    async with AsyncExitStack() as stack:
        # A remote store may be unavailable at the start; one on our own disk that does not open will not recover.
        remote = settings.cosmos_url is not None
        stores = await stack.enter_async_context(open_stores(settings, degraded=remote))
        providers = make_providers(settings, environment)
        stack.push_async_callback(providers.close)
        clock = Clock(time.time, time.monotonic)
        view = CatalogView(stores.catalog, providers.unusable_because, clock.time, stores.snapshot)
        try:
            await view.refresh()
        except StoreUnavailableError:
            if not remote:
                raise
        deployments = await stack.enter_async_context(
            following_secrets(providers, view, make_deployments(settings, clock))
        )
        stack.push_async_callback(
            _stop,
            asyncio.create_task(view.follow(settings.llmproxy_refresh_interval, random.random)),
            asyncio.create_task(keep_sums(stores.usage, clock.time, random.random)),
        )
        folder = None if settings.in_memory else Path(settings.data_dir)
        metrics = Metrics(settings.llmproxy_metrics_series, folder and folder / "metrics")
        record = metrics.recording(stores.journal.record) if settings.llmproxy_metrics else stores.journal.record
        shared = open_limits(settings, stores, clock, providers.pool)
        ledger = Ledger(
            record,
            providers.dispatch.upstream_model,
            clock,
            line_id,
            status_of,
            length_ms,
            shared.in_flight,
            shared.holder.release,
        )
        await stores.journal.start(oldest_open_ms=ledger.oldest_open_ms)
        await stack.enter_async_context(running(shared, ledger, stores, view))
        affinity = ResponseAffinity(ResponseIds(AesSiv(signing_key(settings))))
        tracing = open_tracing(settings, product_version())
        stack.callback(tracing.close)
        contents = await stack.enter_async_context(recording_content(stores, clock))
        tokens = await stack.enter_async_context(token_callers(settings, providers.pool, clock))
        serving = Serving(
            view,
            tracing.provider(providers.provider),
            ledger,
            deployments,
            affinity,
            shared.limiter,
            contents=contents,
            authentication=settings.auth is Authentication.ON,
            tokens=tokens,
        )
        health_view = await stack.enter_async_context(
            running_probes(view, providers.provider, ledger, deployments, stores, clock)
        )
        uploads = Uploads(
            folder and folder / "uploads", settings.llmproxy_upload_budget, settings.llmproxy_max_uploads_per_key
        )
        budget, slots = MemoryBudget(settings.llmproxy_memory_budget), call_slots(settings)
        connections, memory = CallerConnections(caller_limits(settings)), memory_watch(settings, providers.pool)
        access = await stack.enter_async_context(admin_access(settings, stores, clock, token_administrators(tokens)))
        health = Health(
            view,
            {
                "ledger": stores.journal.facts,
                "upstreams": providers.facts,
                "connections": connections.facts,
                "calls": slots.facts,
                "memory": budget.facts,
                "process_memory": memory.facts,
                "uploads": uploads.facts,
                "process": lambda: process_facts(logs.writers),
            },
            time=clock.time,
            version=product_version(),
            shows_detail=lambda headers: access.has(headers, Permission.READ_HEALTH),
            stopping=lambda: connections.draining,
            providers=health_view,
        )
        sizes = ListedSizes().of
        routers = [self_service(settings, stores, serving), discovery_router(serving, sizes, access)]
        operators = await stack.enter_async_context(
            operator_routes(folder, access, memory, health_view, providers.chaos, serving, clock)
        )
        routers += operators.routers
        if settings.llmproxy_metrics:
            gauges = gauges_of(view, stores, providers.pool, deployments, clock.time, folder)
            gauges += [*caller_gauges(health), *limit_gauges(shared), unknown_usage_gauge(providers.unknown_usage)]
            gauges += [*tracing.gauges(), *content_gauges(contents)]
            routers += await stack.enter_async_context(metrics.routes(gauges, settings, access))
        administration = admin_routes(
            settings, environment, stores, health, providers, ServingParts(access, serving, logs, operators)
        )
        routers += await stack.enter_async_context(administration)
        pages = create_pages(serving, health, product_version(), sizes, *routers)
        handler = Handler(serving, body_limits(settings), uploads, budget, slots, settings.llmproxy_keep_alive_interval)
        app = make_app(
            settings, tracing.handler(handler), pages, logs.access, metrics.count if settings.llmproxy_metrics else None
        )
        providers.warm_up(view.catalog.by_id.values() if view.ready else ())
        yield Product(app, stores, view, connections)


async def _stop(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
