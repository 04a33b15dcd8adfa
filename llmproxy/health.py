"""Wiring of probes and of the pages that show the health of deployments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from application.ports.providers import Provider
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from application.serving.health_probes import HealthProbes
from application.serving.health_view import HealthView
from application.serving.ledger import Clock, Ledger
from application.use_cases.chat_probe import ChatProbe
from llmproxy.stores import Stores


@asynccontextmanager
async def running_probes(
    view: CatalogView,
    provider: Provider,
    ledger: Ledger,
    deployments: DeploymentStates,
    stores: Stores,
    clock: Clock,
) -> AsyncIterator[HealthView]:
    """Probe what documents ask for until the block ends; yields what is known."""
    chat = ChatProbe(provider, ledger, view)
    probes = HealthProbes(view, provider, chat, deployments, stores.health, clock)
    task = asyncio.create_task(probes.run(), name="health probes")
    try:
        yield HealthView(view, deployments, probes, clock)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
