"""The composition root: the only module that names every adapter."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from starlette.types import ASGIApp

from application.errors import StoreUnavailableError
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from application.serving.ledger import Clock, Ledger
from application.serving.response_affinity import ResponseAffinity
from application.serving.serve import Serving
from domain.response_id import ResponseIds
from domain.vendor import Wire
from infra.audio.length import length_ms
from infra.clients.azure_identity import AzureIdentity
from infra.clients.google_account import GoogleAccounts
from infra.clients.http.pool import HttpPool
from infra.clients.http.proxies import Proxies
from infra.clients.memory_budget import MemoryBudget
from infra.clients.sealing import AesSiv
from infra.controllers.app import create_pages
from infra.controllers.connections import CallerConnections
from infra.controllers.errors import status_of
from infra.controllers.openai.handler import Handler
from infra.controllers.openai.upload_file import Uploads
from infra.controllers.ops import Health
from infra.price_list.sizes import ListedSizes
from infra.providers.destinations import Destinations
from infra.providers.dispatch import Dispatch
from infra.providers.litellm.provider import LiteLLMProvider
from infra.providers.openai_wire.provider import OpenAIWire
from infra.providers.openai_wire.request.sender import Identities
from infra.providers.reported_usage import UnknownMembers
from infra.providers.resolve import Secrets
from infra.providers.simulator import SimulatorProvider
from infra.secrets.env import environment_secrets
from infra.telemetry.loop_lag import LoopLag
from infra.telemetry.process_facts import process_facts
from llmproxy.debugging import administrator_of, debug_routes
from llmproxy.http_front import admin_key, body_limits, call_slots, caller_gauges, caller_limits, docs_assets, make_app
from llmproxy.limits import limit_gauges, open_limits, running
from llmproxy.log_outputs import Logs
from llmproxy.metrics import Metrics, gauges_of, unknown_usage_gauge
from llmproxy.settings import Authentication, Settings
from llmproxy.signing import signing_key
from llmproxy.stores import Stores, open_stores

_NO_LOGS = Logs()


@dataclass(frozen=True, slots=True)
class Providers:
    """Every way to reach a model."""

    dispatch: Dispatch
    pool: HttpPool
    litellm: LiteLLMProvider
    identity: AzureIdentity
    google: GoogleAccounts
    unknown_usage: UnknownMembers

    def facts(self) -> Mapping[str, object]:
        """For the health page."""
        pool = self.pool
        return {
            "connections_busy": pool.busy,
            "connections_idle": pool.idle,
            "calls_waiting": pool.waiting,
            "calls_refused": pool.refused,
            "litellm": self.litellm.state,
        }


def make_providers(settings: Settings, environment: Mapping[str, str]) -> Providers:
    """Build the provider adapters. Opens no connection and imports no SDK."""
    secrets: Secrets = environment_secrets(environment)
    cafile = None if settings.llmproxy_ca_file is None else str(settings.llmproxy_ca_file)
    pool = HttpPool(
        ssl_context=ssl.create_default_context(cafile=cafile),
        proxies=Proxies.from_environment(environment),
        connect_timeout=settings.llmproxy_connect_timeout,
        max_connections_per_origin=settings.llmproxy_upstream_connections,
        max_waiting_per_origin=settings.llmproxy_upstream_queue,
        wait_timeout=settings.llmproxy_upstream_queue_timeout,
    )
    first_byte, silence = settings.llmproxy_first_byte_timeout, settings.llmproxy_silence_timeout
    total = settings.llmproxy_total_timeout
    name = f"llmproxy/{_version()}"
    identity = AzureIdentity(time.time)
    google = GoogleAccounts(time.time)
    destinations = Destinations.from_settings(settings.llmproxy_identity_hosts, settings.llmproxy_secret_hosts)
    wire = OpenAIWire(
        pool,
        secrets,
        silence_timeout=silence,
        total_timeout=total,
        first_byte_timeout=first_byte,
        user_agent=name,
        identities=Identities(identity.token, google.token),
        destinations=destinations,
    )
    litellm = LiteLLMProvider(
        secrets,
        silence_timeout=silence,
        total_timeout=total,
        first_byte_timeout=first_byte,
        destinations=destinations,
    )
    dispatch = Dispatch({Wire.NATIVE: wire, Wire.LITELLM: litellm, Wire.SIMULATOR: SimulatorProvider()})
    return Providers(dispatch, pool, litellm, identity, google, wire.unknown_usage)


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
        stack.push_async_callback(providers.pool.close)
        stack.push_async_callback(providers.identity.close)
        stack.push_async_callback(providers.google.close)
        clock = Clock(time.time, time.monotonic)
        view = CatalogView(stores.catalog, providers.dispatch.unusable_because, clock.time, stores.snapshot)
        try:
            await view.refresh()
        except StoreUnavailableError:
            if not remote:
                raise
        follower = asyncio.create_task(view.follow(settings.llmproxy_refresh_interval, random.random))
        stack.push_async_callback(_stop, follower)
        folder = None if settings.in_memory else Path(settings.data_dir)
        metrics = Metrics(settings.llmproxy_metrics_series, folder and folder / "metrics")
        record = metrics.recording(stores.journal.record) if settings.llmproxy_metrics else stores.journal.record
        shared = open_limits(settings, stores, clock, providers.pool)
        ledger = Ledger(
            record,
            providers.dispatch.upstream_model,
            clock,
            _line_id,
            status_of,
            length_ms,
            shared.in_flight,
            shared.holder.release,
        )
        await stores.journal.start(oldest_open_ms=ledger.oldest_open_ms)
        await stack.enter_async_context(running(shared, ledger, stores, view))
        authentication = settings.auth is Authentication.ON
        affinity = ResponseAffinity(ResponseIds(AesSiv(signing_key(settings))))
        deployments = DeploymentStates(
            clock.monotonic,
            random.random,
            settings.breaker_policy,
            settings.llmproxy_routing,
            settings.retry_policy,
        )
        serving = Serving(
            view, providers.dispatch, ledger, deployments, affinity, shared.limiter, authentication=authentication
        )
        uploads = Uploads(
            folder and folder / "uploads", settings.llmproxy_upload_budget, settings.llmproxy_max_uploads_per_key
        )
        budget, slots = MemoryBudget(settings.llmproxy_memory_budget), call_slots(settings)
        connections = CallerConnections(caller_limits(settings))
        health = Health(
            view,
            {
                "ledger": stores.journal.facts,
                "upstreams": providers.facts,
                "connections": connections.facts,
                "calls": slots.facts,
                "memory": budget.facts,
                "uploads": uploads.facts,
                "process": lambda: process_facts(logs.writers),
            },
            time=clock.time,
            version=_version(),
            admin_key=admin_key(settings),
            stopping=lambda: connections.draining,
        )
        administrator = await stack.enter_async_context(administrator_of(health, stores.audit))
        routers = [await stack.enter_async_context(debug_routes(folder, administrator))]
        if settings.llmproxy_metrics:
            lag = LoopLag()
            lag.start()
            gauges = gauges_of(view, stores, providers.pool, deployments, lag, clock.time, folder)
            gauges += [*caller_gauges(health), *limit_gauges(shared), unknown_usage_gauge(providers.unknown_usage)]
            reader = administrator if settings.llmproxy_metrics_protected else None
            routers.append(metrics.router(gauges, reader))
            stack.push_async_callback(_stop, asyncio.create_task(metrics.share()))
        pages = create_pages(serving, health, _version(), ListedSizes().of, docs_assets(), *routers)
        count = metrics.count if settings.llmproxy_metrics else None
        handler = Handler(serving, body_limits(settings), uploads, budget, slots, settings.llmproxy_keep_alive_interval)
        app = make_app(settings, handler, pages, logs.access, count)
        litellm = providers.litellm
        if view.ready and any(providers.dispatch.calls(litellm, each) for each in view.catalog.by_id.values()):
            litellm.warm_up()
        yield Product(app, stores, view, connections)


def _version() -> str:
    """Return the version of the installed package; ``0`` if it is not installed."""
    try:
        return version("llmproxy")
    except PackageNotFoundError:
        return "0"


def _line_id() -> str:
    """Return a unique id in the order of time: stores that sort by id then append, which is several times as fast."""
    return f"{time.time_ns():016x}{random.getrandbits(64):016x}"


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
