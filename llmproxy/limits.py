"""Wiring of limits and budgets: the record of this process, its slices, and what dead processes left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction

from fastapi import APIRouter

from application.admin.limits_view import LimitState, states_of
from application.ports.in_flight import InFlight
from application.serving.catalog_view import CatalogView
from application.serving.ledger import Clock, Ledger
from application.serving.limit_plans import LimitPlans
from application.serving.limiter import Limiter
from application.serving.limits.budget_alerts import AlertDelivery
from application.serving.limits.lease_holder import LeaseHolder
from application.serving.recovery import Recovery, ledger_reader
from application.serving.serve import Serving
from domain.project import Project
from domain.rate_limit import NO_LIMITS
from infra.audio.length import length_ms
from infra.clients.http.pool import HttpPool
from infra.controllers.self_service import self_service_router
from infra.telemetry.prometheus import Gauge, Sample
from llmproxy.settings import Settings
from llmproxy.stores import Stores, make_alerts, make_in_flight


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """The parts that hold the calls of this process to limits that it shares with others."""

    in_flight: InFlight
    holder: LeaseHolder
    alerts: AlertDelivery
    limiter: Limiter


def open_limits(settings: Settings, stores: Stores, clock: Clock, pool: HttpPool) -> SharedLimits:
    """Open the record of this process and make what needs it.

    Raises:
        StoreUnavailableError: the disk refuses.
    """
    in_flight = make_in_flight(settings)
    alerts = AlertDelivery(make_alerts(settings, pool))
    holder = LeaseHolder(stores.leases, in_flight, ledger_reader(stores.usage), clock, alerts)
    plans = LimitPlans(holder, clock, settings.llmproxy_limits or NO_LIMITS)
    exposure = Fraction(settings.llmproxy_budget_exposure)
    return SharedLimits(in_flight, holder, alerts, Limiter(holder, plans, clock, exposure, length_ms))


@asynccontextmanager
async def running(limits: SharedLimits, ledger: Ledger, stores: Stores, view: CatalogView) -> AsyncIterator[Recovery]:
    """Take turns at the lease store, and take over what dead processes left behind, until the block ends."""
    recovery = Recovery(limits.in_flight, stores.leases, ledger, view)
    await recovery.start()
    await limits.holder.start()
    task = asyncio.create_task(recovery.run(), name="recovery")
    try:
        yield recovery
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await limits.alerts.close()
        await limits.holder.close()


def self_service(settings: Settings, stores: Stores, serving: Serving) -> APIRouter:
    """Build the paths where callers see the usage and the limits of their own project."""
    defaults = settings.llmproxy_limits or NO_LIMITS

    async def states(project: Project, key_id: str | None) -> list[LimitState]:
        return await states_of(stores.leases, stores.usage, project, defaults, key_id)

    return self_service_router(serving, stores.usage, states, settings.llmproxy_timezone)


def limit_gauges(limits: SharedLimits) -> list[Gauge]:
    """Return the metrics of limits and budgets. All of them count from the start of the process."""
    rows: list[tuple[str, str, Callable[[], int]]] = [
        ("budget_alerts", "Alerts about budgets.", lambda: limits.alerts.found),
        ("limit_shadow_refusals", "Calls that a limit in shadow mode would have refused.", lambda: _shadow(limits)),
        ("limit_waits", "Calls that waited for the lease store, or for other calls to end.", lambda: _waits(limits)),
        ("lease_store_operations", "Operations of the lease store.", lambda: limits.holder.turns),
    ]
    return [Gauge(f"llm_proxy_{name}", text, (), _reading(read)) for name, text, read in rows]


def _waits(limits: SharedLimits) -> int:
    return limits.limiter.waits


def _shadow(limits: SharedLimits) -> int:
    return limits.limiter.shadow_refusals


def _reading(read: Callable[[], int]) -> Callable[[], list[Sample]]:
    return lambda: [((), float(read()))]
